import { currentCall } from '../../core/context/current-call.ts'
import { type Call, CallState } from '../../core/engine/call.ts'
import { deadlineExceeded } from '../../core/engine/caller-scope.ts'
import { cancellationAfterWait } from '../../core/engine/late-start.ts'

/**
 * Checks that a request may still be sent: its body may have taken long to read, or the event loop may have been
 * blocked.
 *
 * @param service the name of the dependency, for the error
 * @throws the reason why the call is cancelled, or a DeadlineExceededError if a call of another shield around this one
 * has no time left. Nothing was sent, so policies count nothing then
 */
export function checkInTime(call: Call, service: string): void {
  const cancellation = call instanceof CallState ? cancellationAfterWait(call) : undefined
  if (cancellation !== undefined) throw cancellation.reason
  const outer = currentCall()
  if (outer?.deadline === undefined || outer.deadline > outer.clock.now()) return
  throw deadlineExceeded({ afterMs: 0, origin: { shield: service, policy: 'deadline', stacks: false } })
}
