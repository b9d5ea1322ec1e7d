"""Our ADLS Gen2 and OneLake server: DFS and Blob over a folder, with wishes for what goes wrong.

It proves what we send and how we take the answers, never Azure itself.
"""
