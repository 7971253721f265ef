// The county that the hub is for. Its zone is the hub's (`GET clock`), never the browser's: who
// looks from elsewhere, or from a computer that was set up wrongly, reads the county's clock.

class County {
  /** IANA name of the zone; the first paint has the hub's own default until it answers. */
  zone = $state("Asia/Shanghai");
}

export const county = new County();
