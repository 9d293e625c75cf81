"""The service of chapter 4.2: items, and one error body for everything that fails."""

import uuid

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

ITEMS = {
    "item1": {"id": "item1", "nombre": "Poción de Salud"},
    "item2": {"id": "item2", "nombre": "Espada de Luz"},
}

app = FastAPI(title="items")


class ItemNotFound(Exception):
    """There is no item with this id."""

    def __init__(self, item_id: str) -> None:
        super().__init__(f"Item con ID '{item_id}' no encontrado.")
        self.item_id = item_id


def error_body(request: Request, code: str, message: str, status: int, context: dict | None = None) -> JSONResponse:
    return JSONResponse(
        status_code=status,
        content={
            "trace_id": request.state.trace_id,
            "error_code": code,
            "message": message,
            "status_code": status,
            "service_name": app.title,
            "context": context or {},
        },
    )


@app.middleware("http")
async def trace(request: Request, call_next):
    request.state.trace_id = str(uuid.uuid4())
    response = await call_next(request)
    response.headers["X-Trace-ID"] = request.state.trace_id
    return response


@app.exception_handler(ItemNotFound)
async def item_not_found(request: Request, error: ItemNotFound) -> JSONResponse:
    context = {"recurso": "Item", "id": error.item_id}
    return error_body(request, "ITEM_NOT_FOUND", str(error), 404, context)


@app.exception_handler(Exception)
async def unexpected(request: Request, error: Exception) -> JSONResponse:
    return error_body(request, "INTERNAL_SERVER_ERROR", "Ocurrió un error inesperado en el servidor.", 500)


@app.get("/items/{item_id}")
async def get_item(item_id: str):
    if item_id not in ITEMS:
        raise ItemNotFound(item_id)
    return ITEMS[item_id]
