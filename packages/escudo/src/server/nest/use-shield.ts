import { type CallHandler, type ExecutionContext, type NestInterceptor, UseInterceptors } from '@nestjs/common'
import { from, lastValueFrom, type Observable } from 'rxjs'
import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { registeredShields } from '../../core/registry.ts'
import type { Shield } from '../../core/shield-types.ts'
import { read } from '../../errors/safe-read.ts'

/**
 * Runs the routes of a controller, or one of them, through a shield.
 *
 * Pipes and the handler run inside; guards, and interceptors of outer decorators, run outside. A retry calls the handler
 * again. To protect only a call to a dependency, call the shield in the handler.
 *
 * @param shield the shield, or its name. A name is looked up on the first request
 * @returns a decorator of a controller or a method. A request fails with a ConfigurationError (500) if no shield, or more
 * than one, has the name
 * @throws ConfigurationError for a value that is no shield and no name
 * @example
 * ```ts
 * import { shield, timeout } from 'escudo'
 * import { UseShield } from 'escudo/nest'
 *
 * class Reports {}
 * const slow = shield('reports', timeout('2s'))
 * UseShield(slow)(Reports) // with a compiler for decorators: @UseShield(slow)
 * ```
 */
export function UseShield(shield: string | Shield): MethodDecorator & ClassDecorator {
  const isName = typeof shield === 'string' && shield !== ''
  if (!isName && typeof read(shield, 'run') !== 'function') {
    throw new ConfigurationError('UseShield', `expected a shield or the name of one, got ${show(shield)}`)
  }
  return UseInterceptors(new ShieldInterceptor(shield))
}

class ShieldInterceptor implements NestInterceptor {
  readonly #given: string | Shield
  #shield: Shield | undefined

  constructor(given: string | Shield) {
    this.#given = given
  }

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.#shield ??= typeof this.#given === 'string' ? shieldNamed(this.#given) : this.#given
    // Each attempt subscribes again, and Nest then calls the handler again.
    return from(this.#shield.run(() => lastValueFrom(next.handle(), { defaultValue: undefined })))
  }
}

function shieldNamed(name: string): Shield {
  const found = registeredShields().filter((facts) => facts.name === name)
  if (found.length === 1) return found[0]?.shield as unknown as Shield
  throw new ConfigurationError(
    'UseShield',
    `${found.length === 0 ? 'no shield has' : 'several shields have'} the name '${name}'`,
  )
}
