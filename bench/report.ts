import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import type { Measured } from './harness.ts'

const PEERS = ['cockatiel', 'opossum'] as const

/** What ran, and on what: without it a figure says nothing. */
export interface Environment {
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly versions: Readonly<Record<string, string>>
}

/** The versions that were measured, read from the installed packages themselves. */
export function environment(): Environment {
  const versions = Object.fromEntries(['escudo', ...PEERS].map((name) => [name, versionOf(name)]))
  const [cpu] = cpus()
  return { node: process.version, cpu: cpu?.model.trim() ?? 'unknown', cores: cpus().length, versions }
}

function versionOf(name: string): string {
  const { paths } = createRequire(import.meta.url).resolve
  for (const folder of paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version
    } catch {
      // Not in this folder: the next one up.
    }
  }
  return 'unknown'
}

/** The figures as a Markdown table, group by group, as `bench/README.md` shows it. */
export function table(results: readonly Measured[]): string {
  const rows = results.map(({ group, by, nsPerCall, quartilesNs, timesBare, bytesPerCall }) => {
    const ours = results.find((other) => other.group === group && other.by === 'escudo')
    const slower = PEERS.includes(by as never) && ours !== undefined ? ratio(nsPerCall / ours.nsPerCall) : ''
    const [low, high] = quartilesNs
    const cells = [
      group,
      by,
      nsPerCall.toFixed(0),
      `${low.toFixed(0)}–${high.toFixed(0)}`,
      timesBare === undefined ? '' : ratio(timesBare),
      slower,
      bytesPerCall.toFixed(0),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '| what | by | ns a call (median) | quartiles | × bare | × escudo | bytes a call |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
  ].join('\n')
}

function ratio(value: number): string {
  return `${value.toFixed(1)} ×`
}
