// What the programs of this folder share. The arguments are the port, how the server is built, and the log file.
import { createErrorContract, defineErrors } from 'escudo/errors'
import { createLogger, logPolicyEvents } from 'escudo/pino'
import { createMetrics } from 'escudo/telemetry'
import { destination, type Logger, pino } from 'pino'
import { z } from 'zod'

const [port, side, logFile = ''] = process.argv.slice(2)

export const PORT = Number(port)
export const HOST = '127.0.0.1'
/** With the usual request logger of the framework. */
export const HAS_LOGGER = side === 'logger'
export const HAS_ESCUDO = side === 'escudo'

/** Where the usual logger writes: a file, by pino's default, which writes each line at once. */
export function logDestination(): ReturnType<typeof destination> {
  return destination(logFile)
}

/** A pino that writes to the log file, for a logger that needs one. */
export function plainLogger(): Logger {
  return pino(logDestination())
}

const Errors = defineErrors({
  ITEM_NOT_FOUND: {
    status: 404,
    message: { es: "El artículo '{id}' no existe.", en: "Item '{id}' not found." },
    context: z.object({ id: z.string() }),
  },
})
export const contract = createErrorContract({ service: 'bench', errors: Errors, locale: 'en' })

/** escudo's logger, to the log file only. With it come the lines of policies, and metrics. */
export function telemetry(): ReturnType<typeof createLogger> {
  const logger = createLogger({ service: 'bench', stdout: false, file: logFile })
  logPolicyEvents(logger)
  createMetrics()
  return logger
}

/**
 * What the route `/items/:id` answers.
 *
 * @param notFound makes the error that the framework itself has for 404. With escudo it is that of the catalogue
 */
export function item(id: string, notFound: (message: string) => Error): { readonly id: string; readonly name: string } {
  if (id === '1') return { id, name: 'Potion' }
  throw HAS_ESCUDO ? new Errors.ITEM_NOT_FOUND({ id }) : notFound(`Item '${id}' not found.`)
}

process.once('disconnect', () => process.exit(0))
