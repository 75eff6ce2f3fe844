"""The catalogue: what is published, where and in which shape, for people and tools that consume it.

`gathering` collects it from the protos, the tables of event types, the connectors' simulators and the channels; the
formats (`asyncapi`, `eventcatalog`, `json_schemas`) turn it into files; `compatibility` tells what would break a
consumer. Nothing here is needed to run: only the command `catalog` and the checks of this project use it.
"""
