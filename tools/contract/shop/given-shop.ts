import { SERVICES } from '../wire/request.ts'
import { CannotWalk } from './cannot-walk.ts'
import { logsIn, pidFromHealth, stillWaiting } from './own-shop.ts'
import type { Target } from './target.ts'

/**
 * A shop that somebody else started.
 *
 * @param logFolder where its logs are, if the walk may read them
 * @throws CannotWalk when one of its processes does not answer
 */
export async function givenShop(ports: Target['ports'], logFolder: string | undefined): Promise<Target> {
  const silent = await stillWaiting(SERVICES, ports)
  if (silent.length > 0) {
    throw new CannotWalk(`no answer from ${silent.map((service) => `${service} (port ${ports[service]})`).join(', ')}`)
  }
  return {
    ports,
    logs: logFolder === undefined ? {} : logsIn(logFolder),
    pid: (service) => pidFromHealth(ports[service]),
    own: undefined,
  }
}
