// Adds the crash policy to any program: `node --import 'crash-preload.ts?service=…&log=…' program.ts`.
import { subscribe } from 'node:diagnostics_channel'
import { Server } from 'node:http'
import { createLogger } from 'escudo/pino'
import { CRASH_DRAIN_MS, type CrashLog, onCrash } from './crash.ts'
import { InFlight } from './in-flight.ts'
import { Shutdown } from './shutdown.ts'

const options = new URL(import.meta.url).searchParams
const service = options.get('service') ?? 'unknown'
const file = options.get('log')

const servers: InFlight[] = []
// Node publishes every server that starts to listen.
subscribe('tracing:net.server.listen:asyncEnd', (message) => {
  const { server } = message as { readonly server?: unknown }
  if (server instanceof Server) servers.push(new InFlight(server))
})

const shutdown = new Shutdown({
  drain: () => Promise.all(servers.map((server) => server.drain())),
  abort: () => {
    for (const server of servers) server.abort()
  },
})

// Created on first use, so that a program that never crashes leaves no empty log file.
let logger: CrashLog | undefined
const log = (): CrashLog => {
  logger ??= createLogger({ service, ...(file === null ? {} : { file }) })
  return logger
}

onCrash(
  { fatal: (fields, event) => log().fatal(fields, event), error: (fields, event) => log().error(fields, event) },
  () => shutdown.begin(1, CRASH_DRAIN_MS),
)
