import { posix } from 'node:path'
import { docCommentBefore } from './doc-comment.ts'
import type { Manifest } from './manifest.ts'
import type { SourceFile } from './source-file.ts'
import { nameOf, nodes, type SyntaxNode, statementsOf, stringOf } from './syntax.ts'

/** A name that a user of the library can import. */
export interface PublicName {
  readonly name: string
  readonly subpath: string
  /** The file of its declaration. */
  readonly file: SourceFile
  /** The offset of its declaration. */
  readonly start: number
  readonly kind: 'function' | 'class' | 'value' | 'type'
  /** Its doc comments. Empty if there is none; an overloaded function may have several. */
  readonly docs: readonly string[]
}

/** An export of a public subpath without a declaration. */
export interface UnresolvedName {
  readonly name: string
  readonly subpath: string
  /** The last file or module specifier that the search reached. */
  readonly path: string
}

/** The public names of a package. */
export interface PublicSurface {
  readonly names: readonly PublicName[]
  readonly unresolved: readonly UnresolvedName[]
}

/**
 * Finds the declaration of every name that a package exports.
 *
 * Starts at the subpaths of the manifest and follows all re-exports.
 *
 * @param folder the folder of the manifest
 */
export function publicSurface(manifest: Manifest, folder: string, files: readonly SourceFile[]): PublicSurface {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const names: PublicName[] = []
  const unresolved: UnresolvedName[] = []
  for (const [key, target] of Object.entries(manifest.exports)) {
    const source = typeof target === 'string' ? target : target['@escudo/source']
    if (source === undefined || !source.endsWith('.ts')) continue
    const subpath = posix.join(manifest.name, key)
    const index = byPath.get(posix.join(folder, source))
    if (index === undefined)
      unresolved.push({ name: '(the subpath itself)', subpath, path: posix.join(folder, source) })
    else for (const name of exportedNames(index, byPath)) find(name, subpath, index)
  }
  return { names, unresolved }

  function find(name: string, subpath: string, index: SourceFile): void {
    const found = declarationOf(name, index, byPath, new Set())
    if ('path' in found) unresolved.push({ name, subpath, path: found.path })
    else names.push({ name, subpath, ...found })
  }
}

type Declaration = Pick<PublicName, 'file' | 'start' | 'kind' | 'docs'>
type Files = ReadonlyMap<string, SourceFile>

/** Returns every name that a file exports, including those of `export *`. */
function exportedNames(file: SourceFile, files: Files, seen: Set<SourceFile> = new Set()): ReadonlySet<string> {
  const names = new Set<string>()
  if (seen.has(file)) return names
  seen.add(file)
  for (const statement of statementsOf(file)) {
    if (statement.type === 'ExportNamedDeclaration') {
      for (const specifier of nodes(statement['specifiers'])) add(names, nameOf(specifier['exported']))
      for (const { name } of declaredBy(statement['declaration'])) add(names, name)
    } else if (statement.type === 'ExportDefaultDeclaration') names.add('default')
    else if (statement.type === 'ExportAllDeclaration') {
      const alias = nameOf(statement['exported'])
      const source = sourceFile(file, statement, files)
      if (alias !== undefined) names.add(alias)
      else if (source !== undefined) for (const name of exportedNames(source, files, seen)) add(names, name)
    }
  }
  return names
}

function add(names: Set<string>, name: string | undefined): void {
  if (name !== undefined) names.add(name)
}

/** Finds the declaration of an exported name; without one, returns the path at which the search ended. */
function declarationOf(
  name: string,
  file: SourceFile,
  files: Files,
  seen: Set<string>,
): Declaration | { readonly path: string } {
  const step = `${file.path} ${name}`
  if (seen.has(step)) return { path: file.path }
  seen.add(step)
  for (const statement of statementsOf(file)) {
    if (statement.type === 'ExportDefaultDeclaration' && name === 'default') return declaration(file, [statement])
    if (statement.type !== 'ExportNamedDeclaration') continue
    for (const specifier of nodes(statement['specifiers'])) {
      if (nameOf(specifier['exported']) !== name) continue
      const local = nameOf(specifier['local']) ?? name
      const source = sourceFile(file, statement, files)
      if (source !== undefined) return declarationOf(local, source, files, seen)
      return statement['source']
        ? { path: stringOf(statement['source']) ?? file.path }
        : localOf(local, file, files, seen)
    }
  }
  const declared = declaredIn(name, file, true)
  if (declared.length > 0) return declaration(file, declared)
  for (const statement of statementsOf(file)) {
    if (statement.type !== 'ExportAllDeclaration' || statement['exported']) continue
    const source = sourceFile(file, statement, files)
    if (source !== undefined && exportedNames(source, files).has(name)) return declarationOf(name, source, files, seen)
  }
  return { path: file.path }
}

/** Finds the declaration of a local name that an export list names. The file declares or imports it. */
function localOf(
  name: string,
  file: SourceFile,
  files: Files,
  seen: Set<string>,
): Declaration | { readonly path: string } {
  const declared = declaredIn(name, file, false)
  if (declared.length > 0) return declaration(file, declared)
  for (const statement of statementsOf(file)) {
    if (statement.type !== 'ImportDeclaration') continue
    for (const specifier of nodes(statement['specifiers'])) {
      const source = sourceFile(file, statement, files)
      if (nameOf(specifier['local']) !== name || source === undefined) continue
      return declarationOf(nameOf(specifier['imported']) ?? 'default', source, files, seen)
    }
  }
  return { path: file.path }
}

/** Returns the statements that declare a name. An overloaded function has several. */
function declaredIn(name: string, file: SourceFile, exported: boolean): readonly SyntaxNode[] {
  return statementsOf(file).filter((statement) => {
    const declares = statement.type === 'ExportNamedDeclaration' ? statement['declaration'] : !exported && statement
    return declaredBy(declares).some((one) => one.name === name)
  })
}

function declaredBy(value: unknown): readonly { readonly name: string; readonly node: SyntaxNode }[] {
  const [node] = nodes([value])
  if (node === undefined) return []
  const declared = node.type === 'VariableDeclaration' ? nodes(node['declarations']) : [node]
  return declared.flatMap((one) => {
    const name = nameOf(one['id'])
    return name === undefined ? [] : [{ name, node: one }]
  })
}

function declaration(file: SourceFile, statements: readonly SyntaxNode[]): Declaration {
  const [first] = statements as [SyntaxNode]
  const docs = statements.map((statement) => docCommentBefore(file, statement.start))
  return { file, start: first.start, kind: kindOf(first), docs: docs.filter((doc) => doc !== undefined) }
}

function kindOf(statement: SyntaxNode): PublicName['kind'] {
  const [node = statement] = nodes([statement['declaration']])
  if (/Function/.test(node.type)) return 'function'
  if (/Class/.test(node.type)) return 'class'
  if (node.type !== 'VariableDeclaration') return 'type'
  const [initial] = nodes(nodes(node['declarations']).map((one) => one['init']))
  return initial !== undefined && /Function/.test(initial.type) ? 'function' : 'value'
}

function sourceFile(from: SourceFile, statement: SyntaxNode, files: Files): SourceFile | undefined {
  const specifier = stringOf(statement['source'])
  return specifier === undefined ? undefined : files.get(posix.join(posix.dirname(from.path), specifier))
}
