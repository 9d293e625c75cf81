// For `node --import`: every import of Nest gets the major before the current one.
import * as modules from 'node:module'

interface Context {
  readonly parentURL?: string
}
type Resolve = (specifier: string, context: Context) => unknown

/** In Node since 22.15. The types are those of the oldest Node that the library supports. */
interface Hooks {
  registerHooks(hooks: { resolve(specifier: string, context: Context, next: Resolve): unknown }): void
}

;(modules as unknown as Hooks).registerHooks({
  resolve: (specifier, context, next) =>
    next(
      specifier,
      specifier.startsWith('@nestjs/') ? { ...context, parentURL: parentOf(context.parentURL) } : context,
    ),
})

/** Inside Nest, its packages find each other. */
function parentOf(url: string | undefined): string {
  return url?.includes('/test/nest-11/') ? url : import.meta.url
}
