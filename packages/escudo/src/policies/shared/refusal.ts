import type { Binding } from '../../core/binding.ts'
import type { PolicyError } from '../../core/errors.ts'
import { stackless } from '../../errors/stackless.ts'

/** Makes a refusal and emits `rejected`. The error has a stack only if the shield's option `stacks` is set. */
export function refusal<E extends PolicyError>(binding: Binding, make: () => E): E {
  const error = binding.stacks ? make() : stackless(make)
  const { shield, policy, events } = binding
  if (events.hasListeners('rejected')) {
    events.emit('rejected', { shield, policy, code: error.code, retryAfterMs: error.retryAfterMs })
  }
  return error
}
