// The crash policy for a program that knows nothing of it: `node --import 'crash-preload.ts?service=…&log=…' program.ts`.
import { subscribe } from 'node:diagnostics_channel'
import { Server } from 'node:http'
import { createLogger } from 'escudo/pino'
import { CRASH_DRAIN_MS, type CrashLog, onCrash } from './crash.ts'
import { Ending } from './ending.ts'
import { InFlight } from './in-flight.ts'

const given = new URL(import.meta.url).searchParams
const service = given.get('service') ?? 'unknown'
const file = given.get('log')

const servers: InFlight[] = []
// Node tells of every server that begins to listen.
subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const { server } = message as { readonly server?: unknown }
  if (server instanceof Server) servers.push(new InFlight(server))
})

const ending = new Ending({
  finish: () => Promise.all(servers.map((server) => server.finish())),
  cut: () => {
    for (const server of servers) server.cut()
  },
})

// Made when it is needed: a program that never crashes leaves no empty file behind.
let logger: CrashLog | undefined
const log = (): CrashLog => {
  logger ??= createLogger({ service, ...(file === null ? {} : { file }) })
  return logger
}

onCrash(
  { fatal: (fields, event) => log().fatal(fields, event), error: (fields, event) => log().error(fields, event) },
  () => ending.begin(1, CRASH_DRAIN_MS),
)
