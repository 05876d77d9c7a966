"""FastAPI on uvicorn: one process per worker, each with an event loop that classifies one image after the other."""

import json

import uvicorn
from fastapi import FastAPI, Request, Response

from plain_network import HOST, PORT, WORKERS, PlainNetwork

app = FastAPI()
network = PlainNetwork() if __name__ != "__main__" else None


@app.post("/classify")
async def classify(request: Request) -> Response:
    (answer,) = network.classify([await request.body()])
    return Response(json.dumps(answer), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        "fastapi_server:app",
        host=HOST,
        port=PORT,
        workers=WORKERS,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
