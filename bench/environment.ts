import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'

/** The measured peers. */
const PEERS = ['cockatiel', 'opossum', 'p-retry', 'effect'] as const

/** The versions and the machine of a run. */
export interface Environment {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly versions: Readonly<Record<string, string>>
}

/** Reads the versions of escudo and the peers from the installed packages. */
export function environment(peers: readonly string[] = PEERS): Environment {
  const versions = Object.fromEntries(['escudo', ...peers].map((name) => [name, versionOf(name)]))
  const [cpu] = cpus()
  return { node: process.version, cpu: cpu?.model.trim() ?? 'unknown', cores: cpus().length, versions }
}

/** The versions and the machine in one line. */
export function described({ node, cpu, cores, versions }: Environment): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `Node ${node}, ${cpu} (${cores} cores), ${packages.join(', ')}`
}

function versionOf(name: string): string {
  const { paths } = createRequire(import.meta.url).resolve
  for (const folder of paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version
    } catch {
      // Not in this folder: try the next one up.
    }
  }
  return 'unknown'
}
