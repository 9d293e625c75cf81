import { discard } from '../../core/engine/discard.ts'
import { Failure, type FrameResult, passFailure, passValue } from '../../core/engine/frame.ts'
import { isRefusal } from '../../errors/classification.ts'
import { judgeError, judgeValue } from '../shared/judge.ts'
import { FallbackFrame } from './frame.ts'
import { isFailure } from './options.ts'

/** One call of a fallback with a classifier. Calls of other fallbacks do not look at values. */
export class JudgingFrame extends FallbackFrame {
  override onValue(value: unknown): FrameResult {
    const { classify, binding } = this.context
    const { readerTime } = this.call.root
    if (readerTime !== undefined || judgeValue(classify, value, this.call) !== 'failure')
      return passValue(this.outer, value)
    const cancellation = this.cancellation()
    if (cancellation === undefined) {
      return this.replace({ error: undefined, value }, binding.events.hasListeners('fallback'))
    }
    discard(value)
    return passFailure(this.outer, new Failure(cancellation.reason, this.call.root))
  }

  protected override matches(error: unknown): boolean {
    const { classify, when } = this.context
    // `judgeError` ignores refusals, which are what a fallback is for.
    return when === isFailure && !isRefusal(error)
      ? judgeError(classify, error, this.call) === 'failure'
      : super.matches(error)
  }
}
