import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'

/** A step of the paths to redact. Paths with the same beginning share their first nodes. */
export interface PathNode {
  /** Whether a path ends here. */
  isEnd: boolean
  readonly children: Map<string, PathNode>
  /** The node of `*`, which matches every key and index. */
  any: PathNode | undefined
}

/** The nodes that a value has reached. Several, because `*` and a name can match the same key. */
export type PathNodes = readonly PathNode[]

/**
 * Parses the paths to redact: `card.number`, `items[*].pin`, `headers["x-key"]`, `*.pin`.
 *
 * @returns the root, or undefined without paths
 * @param option the path of the option, for errors
 * @throws ConfigurationError for a path that cannot be parsed
 */
export function parsePaths(paths: readonly string[], option: string): PathNodes | undefined {
  if (!Array.isArray(paths)) throw new ConfigurationError(option, `expected an array of paths, got ${show(paths)}`)
  const root = newNode()
  for (const path of paths) {
    let node = root
    for (const key of keysOf(path, option)) node = key === '*' ? anyOf(node) : childOf(node, key)
    node.isEnd = true
  }
  return paths.length === 0 ? undefined : [root]
}

/** The nodes of a key below `nodes`; undefined if no path continues there. */
export function nodesBelow(nodes: PathNodes, key: string): PathNodes | undefined {
  const found: PathNode[] = []
  for (const { children, any } of nodes) {
    const child = children.get(key)
    if (child !== undefined) found.push(child)
    if (any !== undefined) found.push(any)
  }
  return found.length === 0 ? undefined : found
}

function newNode(): PathNode {
  return { isEnd: false, children: new Map(), any: undefined }
}

function anyOf(node: PathNode): PathNode {
  node.any ??= newNode()
  return node.any
}

function childOf(node: PathNode, key: string): PathNode {
  const existing = node.children.get(key)
  if (existing !== undefined) return existing
  const child = newNode()
  node.children.set(key, child)
  return child
}

const STEP = /\[(?:"([^"\]]*)"|'([^'\]]*)'|([^\]"']+))\]|\.?([^.[\]]+)/y

function keysOf(path: string, option: string): readonly string[] {
  const keys: string[] = []
  STEP.lastIndex = 0
  if (typeof path === 'string' && path !== '' && !path.startsWith('.')) {
    for (let step = STEP.exec(path); step !== null; step = STEP.exec(path)) {
      keys.push(step[1] ?? step[2] ?? step[3] ?? step[4] ?? '')
      if (STEP.lastIndex === path.length) return keys
    }
  }
  throw new ConfigurationError(option, `expected a path such as 'card.number' or 'items[*].pin', got ${show(path)}`)
}
