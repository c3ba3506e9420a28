"""bench/compare.py - medians and ratios of what bench/compare.sh has timed.

compare.py FOLDER NETS ROUNDS [--json]; FOLDER holds NET.ROUND.clnas and NET.ROUND.peer.
"""
import json
import sys
from statistics import median


def load(folder, net, number, side):
    with open(f"{folder}/{net}.{number}.{side}") as f:
        return json.load(f)


def rows(folder, nets, rounds):
    for net in nets:
        ours = [load(folder, net, r, "clnas") for r in range(1, rounds + 1)]
        theirs = [load(folder, net, r, "peer") for r in range(1, rounds + 1)]
        for i, row in enumerate(theirs[0]["rows"]):
            key = (row["work"], row["batch"])
            own = [next(x for x in o["rows"] if (x["work"], x["batch"]) == key) for o in ours]
            peer = [t["rows"][i] for t in theirs]
            yield {"work": key[0], "net": net, "batch": key[1],
                   "images_per_s": median(x["images_per_s"] for x in own),
                   "peer": theirs[0]["peer"],
                   "peer_images_per_s": median(x["images_per_s"] for x in peer),
                   "ratio": median(a["images_per_s"] / b["images_per_s"] for a, b in zip(own, peer)),
                   "share_of_peak": median(x.get("share_of_peak", 0) for x in own),
                   "peer_way": peer[-1]["way"]}


def main():
    table = list(rows(sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])))
    if "--json" in sys.argv:
        print(json.dumps(table, indent=1))
        return
    print(f"peer: {table[0]['peer']}; images a second, medians of {sys.argv[3]} rounds in turn")
    print(f"{'work':6} {'net':13} {'batch':>5} {'clnas':>10} {'peer':>10} {'ratio':>6} {'peak':>5}  peer's way")
    for r in table:
        print(f"{r['work']:6} {r['net']:13} {r['batch']:5} {r['images_per_s']:10.1f} {r['peer_images_per_s']:10.1f} "
              f"{r['ratio']:6.2f} {100 * r['share_of_peak']:4.0f}%  {r['peer_way']}")


main()
