import { CancelScope } from '../../core/engine/cancel-scope.ts'

/** One attempt of a hedged call: a scope that can be cancelled without the other attempts. */
export class HedgedAttempt extends CancelScope {
  readonly number: number
  readonly isHedge: boolean
  readonly startedAt: number

  constructor(number: number, isHedge: boolean, startedAt: number) {
    super()
    this.number = number
    this.isHedge = isHedge
    this.startedAt = startedAt
  }
}
