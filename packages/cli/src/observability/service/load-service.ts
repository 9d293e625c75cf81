import { refused } from '../../command.ts'
import { modulePaths, packageName, readInChild } from '../../modules/child.ts'
import type { ModulesRead, ToRead } from './read-modules.ts'
import { shieldSeries } from './series.ts'
import type { CatalogueEntry, Series, Service, ServiceShield } from './service.ts'

/**
 * Loads the modules of a service in a separate process and returns what they contain.
 *
 * @param clients the names of clients that build a standard shield with their first request
 * @throws CommandError if a file does not exist, does not load within `limitMs`, starts a server, or contains neither a
 * shield nor a catalogue
 */
export async function loadService(
  files: readonly string[],
  clients: readonly string[],
  limitMs: number,
): Promise<Service> {
  const paths = modulePaths(files)
  const names = files.join(', ')
  const toRead: ToRead = { files: paths, clients }
  // The sources are TypeScript, the build is not.
  const program = new URL(import.meta.url.endsWith('.ts') ? './read-modules.ts' : './read-modules.js', import.meta.url)
  const read = await readInChild<ModulesRead>(program, toRead, limitMs, names)
  if (read.listens) {
    throw refused(`${names} starts a server. Name a module that only builds the shields or exports the catalogue`)
  }
  const series = read.metrics.flatMap(shieldSeries)
  const shields = shieldsOf(read, series)
  if (shields.length === 0 && read.errors.length === 0) {
    throw refused(
      `${names} builds no shield and exports no error catalogue. Name a module that calls shield(…) at its top level, or that exports the result of defineErrors(…), or name a client of resilientFetch with --client NAME`,
    )
  }
  const errors = [...read.errors].sort((a, b) => compare(a.code, b.code) || compare(a.name, b.name))
  return { name: read.service ?? packageName(paths[0] as string), shields, errors: distinct(errors), series }
}

function shieldsOf(read: ModulesRead, series: readonly Series[]): readonly ServiceShield[] {
  const shields = new Map<string, ServiceShield>()
  for (const { labels } of series) {
    const { escudo_shield: name = '', escudo_policy: policy } = labels
    const known = shields.get(name)?.policies.map((one) => one.name) ?? []
    const policies = [...new Set([...known, ...(policy === undefined ? [] : [policy])])].sort(compare)
    shields.set(name, { name, policies: policies.map((name) => ({ name })), exported: false })
  }
  for (const { name, policies } of read.shields) shields.set(name, { name, policies, exported: true })
  return [...shields.values()].sort((a, b) => compare(a.name, b.name))
}

function distinct(errors: readonly CatalogueEntry[]): readonly CatalogueEntry[] {
  return [...new Map(errors.map((entry) => [JSON.stringify(entry), entry])).values()]
}

/** Compares code units, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
