"""The generated protobuf messages and gRPC stubs of orchestratorx_prism.v1. Nothing here is written by hand."""
