import type { LineFacts } from '../../../src/report/line-facts.ts'

/** A span of a trace, in the order in which a tree shows it. */
export interface SpanRow {
  readonly key: string
  readonly depth: number
  readonly service: string
  readonly name: string
  readonly start: number
  readonly end: number
  /** Undefined when none of its lines tells. */
  readonly status: number | undefined
  readonly isFailed: boolean
  /** The number of the attempt, from the second on: the same request of the same parent, after one that failed. */
  readonly attempt: number | undefined
  /** Whether its place in the tree is guessed from times: no line has its parent. */
  readonly isGuessed: boolean
  /** The positions of its lines. */
  readonly lines: readonly number[]
}

interface Node extends Omit<SpanRow, 'depth' | 'attempt' | 'isGuessed'> {
  readonly parentId: string | undefined
  parent: Node | undefined
  isGuessed: boolean
}

/** Clocks of two computers differ by some milliseconds. A short span is around nothing that began after its end. */
const SLACK_MS = 5
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 425, 429])

/** Builds the tree of spans. Requests without a span id are spans too; other lines without one are in none. */
export function spansOf(lines: readonly LineFacts[]): readonly SpanRow[] {
  const nodes = nodesOf(lines)
  connect(nodes)
  const children = new Map<Node | undefined, Node[]>()
  for (const node of nodes) {
    const siblings = children.get(node.parent)
    if (siblings === undefined) children.set(node.parent, [node])
    else siblings.push(node)
  }
  const rows: SpanRow[] = []
  const add = (parent: Node | undefined, depth: number): void => {
    const siblings = (children.get(parent) ?? []).sort((a, b) => a.start - b.start || b.end - a.end)
    const attempts = new Map<string, { readonly node: Node; readonly attempt: number }>()
    for (const node of siblings) {
      const request = `${node.service} ${node.name}`
      const before = attempts.get(request)
      const isRetry = parent !== undefined && before?.node.isFailed === true && node.start >= before.node.end - SLACK_MS
      const attempt = isRetry ? before.attempt + 1 : 1
      attempts.set(request, { node, attempt })
      const { parent: _, parentId: __, ...row } = node
      rows.push({ ...row, depth, attempt: attempt > 1 ? attempt : undefined })
      add(node, depth + 1)
    }
  }
  add(undefined, 0)
  return rows
}

function nodesOf(lines: readonly LineFacts[]): readonly Node[] {
  const groups = new Map<string, number[]>()
  for (const [position, { service, span_id, is_request, at }] of lines.entries()) {
    if (at === null || (span_id === undefined && !is_request)) continue
    const key = span_id === undefined ? `line ${position}` : `${service}/${span_id}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [position])
    else group.push(position)
  }
  return [...groups].map(([key, positions]) => nodeOf(key, positions, lines))
}

function nodeOf(key: string, positions: readonly number[], lines: readonly LineFacts[]): Node {
  const own = positions.map((position) => lines[position]).filter((line) => line !== undefined)
  const request = own.find(({ is_request, latency_ms }) => is_request && latency_ms !== undefined)
  const named = request ?? own.find(({ path }) => path !== undefined) ?? own[0]
  const times = own.map(({ at }) => at ?? 0)
  const end = Math.max(...times)
  const status = (request ?? own.find((line) => line.status !== undefined))?.status
  return {
    key,
    service: named?.service ?? '',
    name: [named?.method, named?.path ?? named?.event ?? named?.message].filter((part) => part !== undefined).join(' '),
    start:
      request === undefined ? Math.min(...times) : Math.min((request.at ?? end) - (request.latency_ms ?? 0), ...times),
    end,
    status,
    isFailed: status === undefined ? own.some(isSevere) : status >= 500 || RETRIED_STATUSES.has(status),
    lines: positions,
    parentId: own.find(({ parent_span_id }) => parent_span_id !== undefined)?.parent_span_id,
    parent: undefined,
    isGuessed: false,
  }
}

function isSevere({ level }: LineFacts): boolean {
  return level === 'error' || level === 'critical'
}

/** Finds the parent of each span: by its id, or else the shortest span of another service around it. */
function connect(nodes: readonly Node[]): void {
  const byId = new Map<string, Node>()
  for (const node of nodes) {
    const id = node.key.slice(node.service.length + 1)
    if (!byId.has(id)) byId.set(id, node)
  }
  for (const node of nodes) {
    const known = node.parentId === undefined ? undefined : byId.get(node.parentId)
    if (known !== undefined && known !== node && !isWithin(known, node)) node.parent = known
  }
  for (const node of nodes) {
    if (node.parent !== undefined) continue
    const around = nodes
      .filter((other) => other.service !== node.service && contains(other, node) && !isWithin(other, node))
      .sort((a, b) => a.end - a.start - (b.end - b.start))[0]
    if (around === undefined) continue
    node.parent = around
    node.isGuessed = true
  }
}

function contains(outer: Node, inner: Node): boolean {
  const outerMs = outer.end - outer.start
  const slackMs = Math.min(SLACK_MS, outerMs)
  const isLonger = outerMs > inner.end - inner.start
  return isLonger && outer.start <= inner.start + slackMs && outer.end >= inner.end - slackMs
}

/** Whether a span is below another one: wrong ids must not make a circle. */
function isWithin(node: Node, ancestor: Node): boolean {
  for (let at: Node | undefined = node; at !== undefined; at = at.parent) if (at === ancestor) return true
  return false
}
