// Express, and pino-http.
import { escudo } from 'escudo/express'
import express, { type ErrorRequestHandler } from 'express'
import { pinoHttp } from 'pino-http'
import { contract, HAS_ESCUDO, HAS_LOGGER, HOST, item, logDestination, PORT, telemetry } from './program.ts'

const app = express()
const parts = HAS_ESCUDO ? escudo({ contract, logger: telemetry() }) : undefined
if (parts !== undefined) app.use(parts.first)
if (HAS_LOGGER) app.use(pinoHttp({}, logDestination()))

app.get('/items/:id', ({ params }, response) => {
  response.json(item(params.id, (message) => Object.assign(new Error(message), { status: 404 })))
})

// Without a handler, Express answers a page of HTML and prints the stack: a service with an API has one.
const answer: ErrorRequestHandler = ({ status, message }: Error & { status: number }, _request, response, _next) => {
  response.status(status).json({ status, message })
}
app.use(parts === undefined ? answer : parts.last)

const server = app.listen(PORT, HOST)
parts?.attach(server)
