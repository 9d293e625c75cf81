import { askPort, posting } from './requests.ts'
import type { Target } from './target.ts'

/** The services that the shop calls. Each has a fault switch. */
export const DEPENDENCIES = ['flaky-service', 'product-service', 'inventory-service'] as const

/** Removes the faults of all dependencies and closes all breakers. */
export async function restore({ ports }: Pick<Target, 'ports'>): Promise<void> {
  for (const name of DEPENDENCIES) await askPort(ports[name], '/__faults', { method: 'DELETE' })
  for (const shield of ['external', 'products', 'inventory']) {
    await askPort(ports['potion-shop'], `/admin/shields/${shield}/circuitBreaker`, administering({ action: 'reset' }))
  }
}

/** Returns the options of an administrator's request with a JSON body. */
export function administering(body: unknown): RequestInit {
  return { ...posting(body), headers: { 'content-type': 'application/json', 'x-token': 'admin123' } }
}
