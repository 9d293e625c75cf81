import { SERVICES } from '../wire/request.ts'
import { CannotWalk } from './cannot-walk.ts'
import { logsIn, notReady, pidFromHealth } from './own-shop.ts'
import type { Target } from './target.ts'

/**
 * Uses a running shop that this command has not started.
 *
 * @param logFolder the folder of its logs; undefined if they are unavailable
 * @throws CannotWalk if one of its processes does not answer
 */
export async function givenShop(ports: Target['ports'], logFolder: string | undefined): Promise<Target> {
  const unready = await notReady(SERVICES, ports)
  if (unready.length > 0) {
    throw new CannotWalk(`no answer from ${unready.map((service) => `${service} (port ${ports[service]})`).join(', ')}`)
  }
  return {
    ports,
    logs: logFolder === undefined ? {} : logsIn(logFolder),
    pid: (service) => pidFromHealth(ports[service]),
    own: undefined,
  }
}
