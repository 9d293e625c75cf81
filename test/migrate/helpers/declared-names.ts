import ts from 'typescript-5'
import { ROOT } from '../../shop/helpers/processes.ts'

/**
 * The public names that the types of a package declare.
 *
 * An export is `name`; a member of an exported type, an enum or a namespace is `Owner.member`; so is a property of an
 * object parameter of an exported function. A member that a class has from an exported interface is listed for the
 * interface only.
 *
 * @param packageName the package that contains the types
 * @param entry its file of types, relative to the package
 */
export function declaredNames(packageName: string, entry: string): readonly string[] {
  const folder = `${ROOT}/node_modules/${packageName}/`.replaceAll('//node', '/node')
  const file = folder + entry
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    types: ['node'],
    typeRoots: [`${ROOT}/node_modules/@types`],
  })
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${file} is no module`)
  const whole = module.exports?.get(ts.InternalSymbolName.ExportEquals)
  const exported = [...(whole === undefined ? [] : [resolved(whole)]), ...exportsOf(module)]
  return [...new Set(exported.flatMap((symbol) => [symbol.name, ...membersOf(symbol)]))].sort()

  function exportsOf(symbol: ts.Symbol): readonly ts.Symbol[] {
    return checker.getExportsOfModule(symbol).map(resolved)
  }

  function resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  }

  function membersOf(symbol: ts.Symbol): readonly string[] {
    const names = [
      ...(symbol.flags & (ts.SymbolFlags.Enum | ts.SymbolFlags.Namespace) ? exportsOf(symbol) : []),
      ...(symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias)
        ? ownProperties(symbol)
        : []),
      ...(symbol.flags & ts.SymbolFlags.Function ? parameterProperties(symbol) : []),
    ].map(({ name }) => `${symbol.name}.${name}`)
    return names.filter((name) => !name.endsWith('.prototype'))
  }

  function ownProperties(symbol: ts.Symbol): readonly ts.Symbol[] {
    const inherited = new Set(heritageOf(symbol).flatMap((type) => type.getProperties().map(({ name }) => name)))
    return propertiesIn(checker.getDeclaredTypeOfSymbol(symbol)).filter(({ name }) => !inherited.has(name))
  }

  function heritageOf(symbol: ts.Symbol): readonly ts.Type[] {
    return (symbol.declarations ?? [])
      .filter((node) => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node))
      .flatMap((node) => node.heritageClauses ?? [])
      .flatMap((clause) => clause.types.map((type) => checker.getTypeAtLocation(type)))
  }

  function parameterProperties(symbol: ts.Symbol): readonly ts.Symbol[] {
    const node = symbol.declarations?.[0]
    if (node === undefined) return []
    return checker
      .getTypeOfSymbolAtLocation(symbol, node)
      .getCallSignatures()
      .flatMap((signature) => signature.getParameters())
      .flatMap((parameter) => {
        const type = checker.getTypeOfSymbolAtLocation(parameter, node)
        return (type.isUnion() ? type.types : [type]).filter(
          (one) => one.symbol?.name === '__type' && one.aliasSymbol === undefined,
        )
      })
      .filter((type) => type.getCallSignatures().length === 0)
      .flatMap(propertiesIn)
  }

  /** The public properties that this package declares, without those of `Error`, functions or Node. */
  function propertiesIn(type: ts.Type): readonly ts.Symbol[] {
    const parts = type.isUnion() ? type.types : [type]
    return parts
      .flatMap((part) => part.getProperties())
      .filter((property) =>
        (property.declarations ?? []).some(
          (node) =>
            node.getSourceFile().fileName.startsWith(folder) &&
            !(ts.getCombinedModifierFlags(node) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)),
        ),
      )
  }
}
