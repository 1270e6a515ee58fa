/** Where the console is served: by laneway on one machine, or by the operator in a cluster. */
export function isInCluster(): boolean {
  return document.querySelector<HTMLMetaElement>('meta[name=laneway-place]')?.content === 'cluster';
}
