// What the page has learned and many places need: the gateways by id.

import type { Gateway } from "./device_types";

class Known {
  gateways = $state.raw<ReadonlyMap<string, Gateway>>(new Map());

  /** The stream may have said more than a list that was slow on its way. */
  put(gateway: Gateway): void {
    const before = this.gateways.get(gateway.id)?.status_at ?? "";
    if (Date.parse(before) > Date.parse(gateway.status_at ?? "")) return;
    this.gateways = new Map(this.gateways).set(gateway.id, gateway);
  }
}

export const known = new Known();
