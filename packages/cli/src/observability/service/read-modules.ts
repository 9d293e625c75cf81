// Runs in a separate process: loads the modules that its argument names, and sends what they contain to its parent.
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { reply } from '../../modules/reply.ts'
import { type Exported, exportedBy } from './exports.ts'

/** What the process reads; its argument as JSON. */
export interface ToRead {
  readonly files: readonly string[]
  /** The names of clients that build a standard shield with their first request. */
  readonly clients: readonly string[]
}

/** What the modules contain. */
export interface ModulesRead extends Exported {
  /** The metrics of every installed copy of the library that the modules use. */
  readonly metrics: readonly string[]
  /** Whether the modules opened a server. */
  readonly listens: boolean
}

/** The parts of the library that are used here. */
interface Library {
  standardShield(name: string): object
}
interface Telemetry {
  createMetrics(options: { maxSeries: number }): { scrape(): { readonly body: string } }
}

// A server starts to listen a moment after `listen` returned, because Node looks the host up first.
const LISTEN_AFTER_MS = 50
/** The largest number that the library accepts: a shield whose series are folded would be missing. */
const SERIES_MAX = 100_000

await reply((toRead: ToRead) => read(toRead))

async function read({ files, clients }: ToRead): Promise<ModulesRead> {
  // From the module's folder: a service and this package may use different copies of the library. A copy knows only its
  // own shields.
  const copies = new Set(files.map((file) => createRequire(file).resolve('escudo/telemetry')))
  const namespaces: object[] = []
  for (const file of files) namespaces.push((await import(pathToFileURL(file).href)) as object)
  // All clients of a service use one copy. Which one does not matter: the shields are the same.
  const library = (await import(pathToFileURL(createRequire(files[0] as string).resolve('escudo')).href)) as Library
  namespaces.push(clients.map((name) => library.standardShield(name)))
  const metrics: string[] = []
  for (const copy of copies) {
    const { createMetrics } = (await import(pathToFileURL(copy).href)) as Telemetry
    metrics.push(createMetrics({ maxSeries: SERIES_MAX }).scrape().body)
  }
  const exported = exportedBy(namespaces)
  await delay(LISTEN_AFTER_MS)
  const listens = process.getActiveResourcesInfo().some((kind) => kind === 'TCPServerWrap' || kind === 'PipeServerWrap')
  return { ...exported, metrics, listens }
}
