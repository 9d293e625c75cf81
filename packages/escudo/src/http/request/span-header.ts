import { formatTraceparent } from '../../core/context/trace-context.ts'
import type { AttemptSpan } from '../../core/context/tracer.ts'
import type { Propagation } from './propagation.ts'

/**
 * The `traceparent` of an attempt's span. It replaces the one that was made of the context.
 *
 * @param hasOwn whether the caller has set the header itself: that one wins
 * @returns undefined if the header is not to be replaced
 */
export function traceparentOf(span: AttemptSpan, hasOwn: boolean, propagation: Propagation): string | undefined {
  return hasOwn || !propagation.traceparent ? undefined : formatTraceparent(span.ids)
}
