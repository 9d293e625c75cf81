import type { Redis } from 'ioredis'
import { HOLDERS } from '../../../packages/escudo/src/fleet/scripts/permits.ts'

/** Returns the field of an instance in the key of a bulkhead. Instants are in microseconds. */
export function semaphoreField(endsUs: number, number: number, holds: number, wants: number, fromUs: number): Buffer {
  return Buffer.from(Float64Array.of(endsUs, number, holds, wants, fromUs).buffer)
}

/** Returns how many permits the instances hold, by the key of their bulkhead. */
export async function permitsIn(admin: Redis, key: string): Promise<readonly number[]> {
  const flat = (await admin.eval(HOLDERS, 1, key)) as unknown[]
  return flat.filter((_, index) => index % 3 === 1).map(Number)
}

/** The sums in the key of a bulkhead: instances, permits, wanted ones, instances that wait with no permit. */
export async function sumsIn(admin: Redis, key: string): Promise<readonly number[]> {
  const field = await admin.hgetBuffer(key, 'sums')
  return field === null ? [0, 0, 0, 0] : [3, 4, 5, 6].map((index) => field.readDoubleLE(index * 8))
}
