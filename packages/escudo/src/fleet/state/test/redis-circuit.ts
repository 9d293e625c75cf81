import {
  type CircuitAnswer,
  type CircuitQuestion,
  HOLD_MS,
  HOLD_MS_MAX,
  MEMBER_MS,
  MEMBERS_MIN,
  PROBE_LEASE_MS,
  VOTES_MIN,
} from '../circuit-messages.ts'

/** A result that the model has accepted. */
export interface Accepted {
  readonly generation: number
  readonly lease: number
}

interface Member {
  readonly endsMs: number
  readonly generation: number
  readonly vote: boolean
  readonly enough: boolean
}

/** What the script `CIRCUIT` does, written a second time. `fleet.test.ts` in `test/fleet` compares both. */
export class RedisCircuit {
  generation = 0
  open = false
  lease = 0
  holder = ''
  readonly accepted: Accepted[] = []
  #untilMs = 0
  #lengthMs = 0
  #leaseEndsMs = 0
  #sinceMs = 0
  #leases = 0
  #asked = false
  #votes = 0
  #of = 0
  readonly #members = new Map<string, Member>()
  isolated = false
  order = 0

  ask(id: string, question: CircuitQuestion, now: number): CircuitAnswer {
    const { generation, vote, enough, result } = question
    for (const [member, { endsMs }] of this.#members) {
      if (endsMs <= now || endsMs > now + MEMBER_MS) this.#members.delete(member)
    }
    this.#members.set(id, { endsMs: now + MEMBER_MS, generation, vote, enough })
    if (generation > this.generation) {
      this.generation = generation - 1
      this.#begin(question.open, question.remainingMs, now)
    }
    this.lease = Math.max(this.lease, question.lease)
    const isCurrent = this.open && question.lease > 0 && generation === this.generation && question.lease === this.lease
    if (isCurrent && (result === 'success' || result === 'failure')) {
      this.accepted.push({ generation, lease: question.lease })
      this.#begin(result === 'failure', result === 'failure' ? question.openForMs : 0, now)
    } else if (isCurrent && result === 'released' && this.holder === id) this.holder = ''
    if (!this.open) this.#count(question, now)
    const { lease, release } = this.open ? this.#leaseOf(id, question, isCurrent, now) : { lease: 0, release: false }
    return {
      generation: this.generation,
      open: this.open,
      remainingMs: this.open ? Math.max(0, this.#untilMs - now) : 0,
      votes: this.#votes,
      of: this.#of,
      lease,
      release,
      isolated: this.isolated,
      order: this.order,
    }
  }

  /** The last write is lost, or all data. */
  flush(): void {
    Object.assign(this, { generation: 0, open: false, lease: 0, holder: '', isolated: false, order: 0 })
    this.#untilMs = this.#lengthMs = this.#leaseEndsMs = this.#sinceMs = this.#leases = this.#votes = this.#of = 0
    this.#asked = false
    this.#members.clear()
  }

  #begin(open: boolean, lengthMs: number, now: number): void {
    this.generation += 1
    this.open = open
    this.#untilMs = now + lengthMs
    this.#lengthMs = lengthMs
    this.holder = ''
    this.#leases = 0
    this.#asked = false
  }

  #count({ quorum, openForMs }: CircuitQuestion, now: number): void {
    const members = [...this.#members.values()]
    const counts = (member: Member): boolean => member.vote && member.generation === this.generation
    const votes = members.filter(counts).length
    const voters = members.filter((member) => counts(member) || member.enough).length
    if (members.length < MEMBERS_MIN || votes < VOTES_MIN || votes < quorum * voters) return
    this.#begin(true, openForMs, now)
    this.#votes = votes
    this.#of = voters
  }

  #leaseOf(
    id: string,
    { want, result, probing, generation }: CircuitQuestion,
    isCurrent: boolean,
    now: number,
  ): { readonly lease: number; readonly release: boolean } {
    if (this.#untilMs - now > this.#lengthMs) this.#untilMs = now + this.#lengthMs
    if (this.#leaseEndsMs <= now || this.#leaseEndsMs > now + PROBE_LEASE_MS) this.holder = ''
    const free = this.holder === ''
    if (result === 'none' && isCurrent && generation === this.generation && (free || this.holder === id)) {
      this.holder = id
      this.#leaseEndsMs = now + PROBE_LEASE_MS
      if (free) this.#sinceMs = now
      const holdMs = Math.min(HOLD_MS * 2 ** Math.min(this.#leases, 40), HOLD_MS_MAX)
      const over = now >= this.#sinceMs + holdMs || now < this.#sinceMs
      return { lease: this.lease, release: this.#asked && !probing && over }
    }
    if (want > 0 && free && now >= this.#untilMs) {
      this.lease += 1
      this.holder = id
      this.#leaseEndsMs = now + PROBE_LEASE_MS
      this.#sinceMs = now
      this.#leases += 1
      this.#asked = false
      return { lease: this.lease, release: false }
    }
    if (want === 2 && !free && this.holder !== id) this.#asked = true
    return { lease: 0, release: false }
  }
}
