import type { Binding } from '../../core/binding.ts'
import { type PolicyError, stackless } from '../../core/errors.ts'

/** The error by which a policy declines a call, made without a stack unless the shield wants them, and told. */
export function refusal<E extends PolicyError>(binding: Binding, make: () => E): E {
  const error = binding.stacks ? make() : stackless(make)
  const { shield, policy, events } = binding
  if (events.hasListeners('rejected')) {
    events.emit('rejected', { shield, policy, code: error.code, retryAfterMs: error.retryAfterMs })
  }
  return error
}
