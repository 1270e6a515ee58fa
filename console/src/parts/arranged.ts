/** Rows of a table in the order of one of its columns. */

export type Sortable = string | number | null;

export interface Order {
  /** The column's. */
  title: string;
  isDescending: boolean;
}

/** Texts as people sort them: v2 comes before v10. What has no value comes last, either way. */
export function arranged<T>(
  items: readonly T[],
  by: (item: T) => Sortable,
  { isDescending }: Order,
  language: string,
): T[] {
  const collator = new Intl.Collator(language, { numeric: true });
  return items
    .map((item) => ({ item, value: by(item) }))
    .sort(({ value: one }, { value: other }) => {
      if (one === null || other === null) return Number(one === null) - Number(other === null);
      const order =
        typeof one === 'number' && typeof other === 'number'
          ? one - other
          : collator.compare(String(one), String(other));
      return isDescending ? -order : order;
    })
    .map(({ item }) => item);
}
