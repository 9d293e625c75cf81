import { HOLD_MS, type PermitAnswer, type PermitQuestion } from '../held-permits.ts'

interface Entry {
  endsUs: number
  readonly number: number
  readonly has: number
  readonly wants: number
  readonly fromUs: number
}

const HOLD_US = HOLD_MS * 1_000

/**
 * What the script `PERMITS` does, written a second time. Times are whole microseconds.
 *
 * It reads all instances for each question, and has no sums: the script must answer the same with them.
 */
export class RedisPermits {
  readonly entries = new Map<string, Entry>()

  ask(id: string, { number, held, want }: PermitQuestion, limit: number, nowUs: number): PermitAnswer {
    const known = this.entries.get(id)
    const isLive = known !== undefined && known.endsUs > nowUs
    if (isLive && number <= known.number) return { held: known.has, wanted: 0, members: 1 }
    const isStarving = isLive && known.has === 0 && known.wants > 0
    const since = isStarving && known.fromUs < nowUs ? known.fromUs : nowUs
    for (const [name, entry] of this.entries) {
      if (name === id) continue
      if (entry.endsUs <= nowUs) this.entries.delete(name)
      else entry.endsUs = Math.min(entry.endsUs, nowUs + HOLD_US)
    }
    this.entries.delete(id)
    const others = [...this.entries.values()]
    const wanted = others.reduce((sum, { wants }) => sum + wants, 0)
    const members = others.length + 1
    let free = Math.max(0, limit - this.held)
    const keep = Math.min(held, free)
    free -= keep
    let grant = want
    if (wanted > 0) {
      free -= others.filter(({ has, wants, fromUs }) => has === 0 && wants > 0 && fromUs < since).length
      grant = Math.min(grant, Math.max(keep === 0 ? 1 : 0, Math.ceil(limit / members) - keep))
    }
    grant = Math.max(0, Math.min(grant, free))
    const [has, wants] = [keep + grant, want - grant]
    if (has > 0 || wants > 0) {
      this.entries.set(id, { endsUs: nowUs + HOLD_US, number, has, wants, fromUs: wants > 0 ? since : 0 })
    }
    return { held: has, wanted, members }
  }

  /** All permits that are held. */
  get held(): number {
    return [...this.entries.values()].reduce((sum, { has }) => sum + has, 0)
  }

  flush(): void {
    this.entries.clear()
  }
}
