import { describe, expect, test } from 'vitest'
import type { LocalCircuit } from '../../../core/shared-state.ts'
import { CircuitMember } from '../circuit-member.ts'
import { type CircuitAnswer, type CircuitQuestion, PROBE_LEASE_MS } from '../circuit-messages.ts'
import { RedisCircuit } from './redis-circuit.ts'

// Single rules, which random chaos reaches too seldom.

const QUESTION: CircuitQuestion = {
  generation: 0,
  open: false,
  remainingMs: 0,
  vote: false,
  enough: true,
  want: 0,
  lease: 0,
  result: 'none',
  probing: false,
  openForMs: 1_000,
  quorum: 0.5,
  state: 'closed',
}

/** A circuit that two of three members have opened at 0, for a second. */
function opened(): RedisCircuit {
  const redis = new RedisCircuit()
  redis.ask('a', QUESTION, 0)
  redis.ask('b', { ...QUESTION, vote: true }, 0)
  redis.ask('c', { ...QUESTION, vote: true }, 0)
  expect(redis.open).toBe(true)
  return redis
}

describe('the circuit in Redis', () => {
  test('one vote opens nothing, even if no other member has had enough calls', () => {
    const redis = new RedisCircuit()
    for (const id of ['a', 'b']) redis.ask(id, { ...QUESTION, enough: false }, 0)
    redis.ask('c', { ...QUESTION, vote: true }, 0)
    expect(redis.open).toBe(false)
  })

  test('members without enough calls do not count as voters', () => {
    const redis = new RedisCircuit()
    for (const id of ['a', 'b', 'c', 'd', 'e']) redis.ask(id, { ...QUESTION, enough: false }, 0)
    redis.ask('f', { ...QUESTION, vote: true }, 0)
    expect(redis.ask('g', { ...QUESTION, vote: true }, 0)).toMatchObject({ open: true, votes: 2, of: 2 })
  })

  test('a vote of an earlier generation does not count', () => {
    const redis = opened()
    const taken = redis.ask('a', { ...QUESTION, generation: 1, open: true, want: 1 }, 1_000)
    redis.ask('a', { ...QUESTION, generation: 1, lease: taken.lease, result: 'success' }, 1_001)
    redis.ask('b', { ...QUESTION, generation: 1, vote: true }, 1_002)
    redis.ask('c', { ...QUESTION, generation: 1, vote: true }, 1_002)
    expect(redis).toMatchObject({ open: false, generation: 2 })
  })

  test('the result of a lease that another member has taken over changes nothing', () => {
    const redis = opened()
    const ask = { ...QUESTION, generation: 1, open: true }
    const first = redis.ask('a', { ...ask, want: 1 }, 1_000)
    const laterMs = 1_000 + PROBE_LEASE_MS
    const second = redis.ask('b', { ...ask, want: 1 }, laterMs)
    expect([first.lease, second.lease]).toEqual([1, 2])
    redis.ask('a', { ...ask, lease: first.lease, result: 'success' }, laterMs + 1)
    expect(redis).toMatchObject({ open: true, generation: 1, accepted: [] })
    redis.ask('b', { ...ask, lease: second.lease, result: 'success' }, laterMs + 2)
    expect(redis).toMatchObject({ open: false, generation: 2 })
  })

  test('the result of a lease that has ended counts if no other member has taken it', () => {
    const redis = opened()
    const ask = { ...QUESTION, generation: 1, open: true }
    const { lease } = redis.ask('a', { ...ask, want: 1 }, 1_000)
    redis.ask('a', { ...ask, lease, result: 'success' }, 60_000)
    expect(redis.open).toBe(false)
  })
})

describe('CircuitMember', () => {
  const OPEN: LocalCircuit = { state: 'open', enoughCalls: true, probing: false, openForMs: 1_000 }
  const ANSWER: CircuitAnswer = {
    generation: 1,
    open: true,
    remainingMs: 0,
    votes: 2,
    of: 3,
    lease: 7,
    release: false,
    isolated: false,
    order: 0,
  }
  /** A member that received the lease at 20, having asked for it at 10. */
  function holder(): CircuitMember {
    const member = new CircuitMember(0.5, () => 0.5, 0)
    const question = member.question(OPEN, 10)
    const decisions = member.answered(question, ANSWER, OPEN, 10, 20)
    expect(decisions).toEqual([{ to: 'half-open', untilMs: 10 + PROBE_LEASE_MS }])
    return member
  }

  test('stays open after a failed probe until Redis has answered', () => {
    const member = holder()
    expect(member.changed('half-open', 'open', 1_000, 30)).toMatchObject([{ to: 'open', untilMs: 1_030 }])
    expect(member.question(OPEN, 31)).toMatchObject({ result: 'failure', lease: 7, want: 0 })
  })

  test('repeats its result until Redis has answered, and ignores answers to earlier questions', () => {
    const member = holder()
    const earlier = member.question({ ...OPEN, state: 'half-open' }, 25)
    member.changed('half-open', 'closed', 0, 30)
    const closed = { ...OPEN, state: 'closed' as const }
    expect(member.answered(earlier, ANSWER, closed, 25, 31)).toEqual([])
    expect(member.question(closed, 32).result).toBe('success')
    expect(member.failed(33)).toEqual([])
    expect(member.question(closed, 34).result).toBe('success')
  })

  test('releases an idle lease only after it has stopped to admit probes', () => {
    const member = holder()
    const idle = { ...OPEN, state: 'half-open' as const }
    const question = member.question(idle, 900)
    expect(question.result).toBe('none')
    expect(member.answered(question, { ...ANSWER, release: true }, idle, 900, 901)).toMatchObject([{ to: 'open' }])
    expect(member.question(OPEN, 902).result).toBe('released')
  })

  test('after it released an idle lease it wants none for half a minute, unless it refuses a call', () => {
    const member = new CircuitMember(0.5, () => 0.5, 0)
    const unleased = { ...ANSWER, lease: 0 }
    const ask = (now: number, answer: CircuitAnswer, local = OPEN) => {
      const question = member.question(local, now)
      member.answered(question, answer, local, now, now)
      return question
    }
    ask(10, unleased)
    expect([member.refused(20), ask(21, ANSWER).want]).toEqual([true, 2])
    ask(900, { ...ANSWER, release: true }, { ...OPEN, state: 'half-open' })
    expect(ask(902, unleased).result).toBe('released')
    expect([ask(30_000, unleased).want, ask(50_000, unleased).want]).toEqual([0, 1])
    member.refused(50_001)
    expect(ask(50_002, unleased).want).toBe(2)
  })

  test('obeys no order from before it started', () => {
    const member = new CircuitMember(0.5, () => 0.5, 0)
    const closed = { ...OPEN, state: 'closed' as const }
    const decisions = [5, 5, 6].map((order, index) =>
      member.answered(
        member.question(closed, index),
        { ...ANSWER, generation: 0, open: false, lease: 0, order },
        closed,
        index,
        index,
      ),
    )
    expect(decisions).toEqual([[], [], [{ to: 'reset' }]])
  })

  test('keeps the lease while its probe is in flight', () => {
    const member = holder()
    const probing = { ...OPEN, state: 'half-open' as const, probing: true }
    const question = member.question(probing, 900)
    const decisions = member.answered(question, { ...ANSWER, release: true }, probing, 900, 901)
    expect(decisions).toEqual([{ to: 'half-open', untilMs: 900 + PROBE_LEASE_MS }])
  })

  test('after a manual reset it does not follow the same opening again', () => {
    const member = holder()
    member.changed('half-open', 'isolated', 0, 30)
    const closed = { ...OPEN, state: 'closed' as const }
    const question = member.question(closed, 40)
    expect(question.result).toBe('released')
    expect(member.answered(question, { ...ANSWER, lease: 0 }, closed, 40, 41)).toEqual([])
  })
})
