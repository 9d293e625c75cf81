/** What this rule reads of a declaration in API Extractor's model of a package. */
interface ApiItem {
  readonly kind: string
  readonly name: string
  /** The comment as written; empty if there is none. */
  readonly docComment?: string
  readonly fileUrlPath?: string
  readonly excerptTokens?: readonly { readonly text: string }[]
}

/** API Extractor's model of one entry point. */
export interface ApiModel {
  readonly members: readonly { readonly members: readonly ApiItem[] }[]
}

const EXAMPLE = /^ *\* @example\b[^\n]*\n *\* ```ts\n/m

/** Finds public names without a doc comment, and public functions and classes without an `@example` in TypeScript. */
export function undocumented({ members }: ApiModel): readonly string[] {
  const groups = Map.groupBy(
    members.flatMap((entry) => entry.members),
    ({ name, fileUrlPath }) => `${fileUrlPath}: '${name}'`,
  )
  return [...groups].flatMap(([place, items]) => {
    // Overloads share one name: one doc comment is enough.
    const docs = items.map(({ docComment = '' }) => docComment)
    if (docs.every((doc) => /^[\s*/]*$/.test(doc))) return [`${place} has no doc comment`]
    return items.some(isCallable) && !docs.some((doc) => EXAMPLE.test(doc))
      ? [`${place} has no @example with a ts block`]
      : []
  })
}

function isCallable({ kind, excerptTokens = [] }: ApiItem): boolean {
  if (kind === 'Variable') return excerptTokens.some(({ text }) => text.includes('=>'))
  return kind === 'Function' || kind === 'Class'
}
