// Node runs this source as it is, and it knows no decorators yet. A service with a compiler writes them as usual:
//
//   @Get(':id')
//   one(@Param('id') id: string) { … }
//
// What a compiler makes of that, for the one method: decorate(Items, 'one', [Get(':id')], [Param('id')]).

/** Applies decorators to a method of a controller, and to its parameters. */
export function decorate(
  { prototype }: { readonly prototype: object },
  method: string,
  decorators: readonly MethodDecorator[],
  parameters: readonly ParameterDecorator[] = [],
): void {
  // As a compiler does it: the last one first.
  for (const [index, decorator] of [...parameters.entries()].reverse()) decorator(prototype, method, index)
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method) as PropertyDescriptor
  for (const decorator of decorators.toReversed()) decorator(prototype, method, descriptor)
}
