import type { Service } from '../wire/request.ts'
import type { LogReader } from './log-reader.ts'

/** A running shop, as far as a walk needs to know it. */
export interface Target {
  readonly ports: Readonly<Record<Service, number>>
  /** Undefined where the logs are not known. */
  readonly logs: Readonly<Partial<Record<Service, LogReader>>>
  /** The process that serves a service now; undefined where nobody tells. */
  readonly pid: (service: Service) => Promise<number | undefined>
  /** The shop that the walk started for itself. */
  readonly own: OwnShop | undefined
}

/** A shop that may be stopped and started at will. */
export interface OwnShop {
  readonly env: Readonly<Record<string, string>>
  /** Starts the shop's own start script once more with this environment and waits for its end. */
  readonly startAgain: (extra: Readonly<Record<string, string>>) => Promise<Ended>
  /** Stops everything and waits for the end of the start script. */
  readonly stop: () => Promise<Ended>
  readonly remove: () => Promise<void>
}

/** How a process ended, and what it said. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly ms: number
  readonly stdout: string
  readonly stderr: string
}

/** The id in a readiness answer, where the service tells it. */
export function pidIn(json: unknown): number | undefined {
  if (typeof json !== 'object' || json === null || !('pid' in json)) return undefined
  const { pid } = json
  // 0 and negative ids would mean a whole group of processes.
  return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 1 && pid !== process.pid ? pid : undefined
}
