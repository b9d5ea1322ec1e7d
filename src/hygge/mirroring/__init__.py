"""Fabric Open Mirroring: what a landing zone is, its rules, and what the service makes of one.

Sources: Microsoft's "Open mirroring landing zone format" (LZF) and "Open mirroring best practices"
(BP), learn.microsoft.com/fabric/mirroring.
"""
