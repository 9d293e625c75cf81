import type { FleetCircuit } from './circuit.ts'
import { script } from './client.ts'
import type { Link } from './link.ts'
import type { FleetPermits } from './permits.ts'
import { MEMBERS } from './scripts/order.ts'
import { HOLDERS } from './scripts/permits.ts'

/** The state of a circuit in each instance. */
export interface CircuitStatus {
  readonly shield: string
  readonly policy: string
  /** Counts the changes of the fleet's circuit. */
  readonly generation: number
  readonly instances: readonly { readonly instance: string; readonly state: string }[]
}

/** The permits of a bulkhead in each instance. */
export interface BulkheadStatus {
  readonly shield: string
  readonly policy: string
  /** The number of permits of the whole fleet. */
  readonly limit: number
  /** The instances that hold or want permits. */
  readonly instances: readonly HolderStatus[]
}

/** The permits of one instance. */
export interface HolderStatus {
  readonly instance: string
  /** How many permits it holds, those held in advance included. */
  readonly held: number
  /** How many more it wants and does not get. */
  readonly wanted: number
}

/** What an instance knows about its fleet. */
export interface FleetStatus {
  readonly instance: string
  /** The number of live instances, as last known. */
  readonly instances: number
  /** False while Redis does not answer. The rest is then what this instance last knew of itself. */
  readonly connected: boolean
  /** The circuits of this instance, in all instances. */
  readonly circuits: readonly CircuitStatus[]
  /** The bulkheads of this instance, in all instances. */
  readonly bulkheads: readonly BulkheadStatus[]
}

const MEMBERS_SCRIPT = script(MEMBERS)
const HOLDERS_SCRIPT = script(HOLDERS)

/** Returns the state of a circuit in all instances; in this one if Redis does not answer. */
export async function statusOfCircuit(link: Link, circuit: FleetCircuit, instance: string): Promise<CircuitStatus> {
  const { shield, policy, clock } = circuit.owner
  const facts = { shield, policy, generation: circuit.generation }
  try {
    const flat = (await link.ask(MEMBERS_SCRIPT, circuit.key, [])) as readonly unknown[]
    const instances = Array.from({ length: flat.length / 2 }, (_, index) => ({
      instance: String(flat[2 * index]),
      state: String(flat[2 * index + 1]),
    }))
    return { ...facts, instances: instances.sort(byInstance) }
  } catch {
    const { state } = circuit.owner.local(clock.now())
    return { ...facts, instances: [{ instance, state }] }
  }
}

/** Returns the permits of a bulkhead in all instances; in this one if Redis does not answer. */
export async function statusOfBulkhead(link: Link, permits: FleetPermits, instance: string): Promise<BulkheadStatus> {
  const { shield, policy, limit } = permits
  try {
    const flat = (await link.ask(HOLDERS_SCRIPT, permits.key, [])) as readonly unknown[]
    const all = new Map<string, HolderStatus>()
    for (let index = 0; index < flat.length; index += 3) {
      // A start of a process has a separate field: the permits of the one before may still count.
      const name = String(flat[index]).replace(/#[^#]*$/, '')
      const { held = 0, wanted = 0 } = all.get(name) ?? {}
      all.set(name, {
        instance: name,
        held: held + Number(flat[index + 1]),
        wanted: wanted + Number(flat[index + 2]),
      })
    }
    return { shield, policy, limit, instances: [...all.values()].sort(byInstance) }
  } catch {
    return { shield, policy, limit, instances: [{ instance, held: permits.held, wanted: 0 }] }
  }
}

function byInstance(a: { readonly instance: string }, b: { readonly instance: string }): number {
  return a.instance < b.instance ? -1 : 1
}
