import { ConfigurationError } from '../../core/options/configuration-error.ts'
import type { OptionsChange, PolicyOptions } from '../../core/policy.ts'

/** The options of a policy as they were passed, so that new ones can be checked together with those that stay. */
export class ChangeableOptions<O extends object> {
  #options: O
  readonly #path: string
  readonly #fixed: readonly string[]

  /** @param fixed the options that cannot change, besides `name` */
  constructor(options: O, path: string, fixed: readonly (keyof O & string)[] = []) {
    // Copied, so that later mutation cannot bypass validation.
    this.#options = { ...options }
    this.#path = path
    this.#fixed = ['name', ...fixed]
  }

  /**
   * Checks new options.
   *
   * @param read checks all options together, and returns how to apply them
   * @throws ConfigurationError for an option that cannot change, and what `read` throws
   */
  change(
    given: PolicyOptions,
    read: (options: O) => { readonly apply: () => void; readonly settings?: OptionsChange['settings'] },
  ): OptionsChange {
    const fixed = this.#fixed.find((name) => Object.hasOwn(given, name))
    if (fixed !== undefined) {
      throw new ConfigurationError(`${this.#path}.${fixed}`, 'this option cannot change; build a new shield')
    }
    const options = { ...this.#options, ...given }
    const { apply, settings } = read(options)
    return {
      before: Object.fromEntries(Object.keys(given).map((name) => [name, this.#options[name as keyof O]])),
      after: { ...given },
      settings,
      apply: () => {
        this.#options = options
        apply()
      },
    }
  }
}
