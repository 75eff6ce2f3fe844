"""REST: the services over HTTP and JSON, under `/v1/`.

There is no second model: bodies are the protobuf messages as JSON, and each route is a row of one table that names a
method, a path and an rpc (`table.py`, made of others). FastAPI's routes and the OpenAPI document are made of it.
Nothing here is imported before a server starts: FastAPI is heavy, and commands and embedded use do without it.
"""
