// What the page has learned and many places need: the gateways by id.

import type { Gateway } from "./device_types";

class Known {
  gateways = $state.raw<ReadonlyMap<string, Gateway>>(new Map());

  put(gateway: Gateway): void {
    this.gateways = new Map(this.gateways).set(gateway.id, gateway);
  }
}

export const known = new Known();
