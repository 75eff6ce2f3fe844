"""Server reflection: lets grpcurl and its like see the services without their protos."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

DESCRIPTOR = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
V1 = "grpc.reflection.v1.ServerReflection"
"""The same messages under the name that newer tools ask for first; the package ships v1alpha alone."""


class ReflectionService:
    """Both versions of ServerReflection."""

    def __init__(self, services: Iterable[str]) -> None:
        self._servicer = ReflectionServicer(services)

    def server_reflection_info(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        """One answer a question."""
        answers: AsyncIterator[Any] = self._servicer.ServerReflectionInfo(requests, None)
        return answers
