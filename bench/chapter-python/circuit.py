"""The service of chapter 4.6: a call to a dependency, behind pybreaker.

The variable DEPENDENCY_PORT is the port of the dependency. The route is a plain function, as in the chapter: FastAPI runs
it in a thread.
"""

import logging
import os

import httpx
import pybreaker
from fastapi import FastAPI, HTTPException

DEPENDENCY = f"http://127.0.0.1:{os.environ['DEPENDENCY_PORT']}/unstable"

logger = logging.getLogger(__name__)
# The comparison is with the log off.
logger.setLevel(logging.CRITICAL)

app = FastAPI(title="circuit")


class LogStateChanges(pybreaker.CircuitBreakerListener):
    def state_change(self, cb, old_state, new_state):
        logger.warning("%s: %s", cb.name, new_state.name)


breaker = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=10, name="dependency", listeners=[LogStateChanges()])


@breaker
def call_dependency() -> dict:
    response = httpx.get(DEPENDENCY, timeout=2.0)
    response.raise_for_status()
    return response.json()


@app.get("/call-external")
def call_external():
    try:
        return {"status": "ok", "data": call_dependency()}
    except pybreaker.CircuitBreakerError:
        logger.error("the circuit is open")
        raise HTTPException(status_code=503, detail="Servicio no disponible (Circuito Abierto).")
    except Exception as error:
        logger.error("the dependency failed: %s", error)
        raise HTTPException(status_code=502, detail="Error contactando servicio externo.")


@app.get("/breaker-status")
def breaker_status():
    return {"state": breaker.current_state, "failures": breaker.fail_counter}
