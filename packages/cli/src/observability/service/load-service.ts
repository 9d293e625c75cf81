import { type ChildProcess, fork } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { misuse, refused } from '../../command.ts'
import type { Message, ModulesRead, ToRead } from './read-modules.ts'
import { shieldSeries } from './series.ts'
import type { CatalogueEntry, Series, Service, ServiceShield } from './service.ts'

/** Node's exit code when the top-level `await` of a module never settles. */
const EXIT_UNSETTLED = 13
const OUTPUT_CHARACTERS_MAX = 2_000

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
  const paths = files.map((file) => resolve(file))
  const missing = paths.find((path) => !existsSync(path))
  if (missing !== undefined) throw misuse(`the module ${missing} does not exist`)
  const names = files.join(', ')
  const read = await readModules({ files: paths, clients }, limitMs, names)
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

function readModules(toRead: ToRead, limitMs: number, names: string): Promise<ModulesRead> {
  // The sources are TypeScript, the build is not.
  const program = import.meta.url.endsWith('.ts') ? './read-modules.ts' : './read-modules.js'
  // The process gets the options of this one, such as `--conditions` or a loader for TypeScript.
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [JSON.stringify(toRead)], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  return new Promise((resolve, reject) => {
    const output = tailOf(child)
    const fail = (problem: string): void => {
      const printed = output().trim()
      reject(refused(`${names}: ${problem}${printed === '' ? '' : `\n${printed}`}`))
    }
    const limit = setTimeout(() => {
      child.kill('SIGKILL')
      fail(
        `did not load within ${limitMs / 1_000} s. Name a module that only builds the shields, or raise --timeout SECONDS`,
      )
    }, limitMs)
    child.on('message', (message) => {
      const reply = (message as Partial<Message> | null)?.escudo
      if (reply === undefined) return
      child.kill('SIGKILL')
      if (reply.ok) resolve(reply.read)
      else fail(`could not be loaded: ${reply.problem}`)
    })
    child.once('error', (error) => fail(`could not be loaded: ${error.message}`))
    // Not `exit`, which can come before the last output.
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      // After a message, this changes nothing.
      fail(
        code === EXIT_UNSETTLED
          ? 'waits for something that never happens: its top-level await does not settle'
          : `ended its process (${signal ?? `exit code ${code}`}) while it was loaded. Name a module that only builds the shields`,
      )
    })
  })
}

/** Keeps the end of what a process prints. */
function tailOf({ stdout, stderr }: ChildProcess): () => string {
  let text = ''
  for (const stream of [stdout, stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARACTERS_MAX)
    })
  }
  return () => text
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

/** The name in the nearest `package.json`, without its scope; without one, the name of the folder. */
function packageName(path: string): string {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const name = nameIn(join(folder, 'package.json'))
    if (name !== undefined) return name.replace(/^@[^/]+\//, '')
    if (folder === dirname(folder)) return basename(dirname(path)) || 'service'
  }
}

function nameIn(manifest: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown }
    return typeof name === 'string' && name !== '' ? name : undefined
  } catch {
    return undefined
  }
}

/** Compares code units, so that the order does not depend on the machine's language. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
