import type { Process } from './processes.ts'

// One line of an instance may come late, or one request may be rare.
const SILENT_MS_MIN = 60_000
const SILENT_GAPS = 10
/** An instance that has been silent for so long, while others were not, was removed. */
const GONE_MS = 600_000

/** One instance of a service: what its processes, one after the other, have in common. */
export interface Instance {
  readonly name: string
  /** The time of its latest line. */
  readonly lastAt: number
  /** Whether it writes nothing any more, and nothing says that it was stopped. */
  readonly isSilent: boolean
}

/**
 * The name of an instance, from what identifies its process: `instance` of the lines, or the host.
 *
 * Undefined if the lines name only a process id: another process would be another instance.
 */
export function instanceName(process: string | undefined): string | undefined {
  const name = process?.replace(/\/\d+(\/[^/]*)?$/, '')
  return name === undefined || /^\d*$/.test(name) ? undefined : name
}

/** The instances of a service by their names. Those that were stopped or removed are left out. */
export function instancesOf(processes: readonly Process[], now: number): readonly Instance[] {
  const byName = new Map<string, Process[]>()
  for (const process of processes) {
    const name = instanceName(process.id)
    if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), process])
  }
  return [...byName]
    .flatMap(([name, known]): Instance[] => {
      // Lines that report a start or a stop always name their process. Others do not have to.
      const usual = known.filter(({ id }) => !/\/\d+\/[^/]+$/.test(id))
      const lastAt = Math.max(...usual.map((process) => process.lastAt))
      const stoppedAt = Math.max(...known.map((process) => process.stoppedAt))
      const silentMs = now - lastAt
      if (usual.length === 0 || stoppedAt >= lastAt || silentMs >= GONE_MS) return []
      const isSilent = silentMs >= Math.max(SILENT_MS_MIN, SILENT_GAPS * Math.max(...usual.map(meanGapMs)))
      return [{ name, lastAt, isSilent }]
    })
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

/** How long after a line the next one comes. */
function meanGapMs({ firstAt, lastAt, lines }: Process): number {
  return (lastAt - firstAt) / Math.max(1, lines - 1)
}
