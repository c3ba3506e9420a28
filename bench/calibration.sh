#!/usr/bin/env bash
# bench/calibration.sh - the tables of docs/calibration.md: devices learnt from 0, 10 and 50 random rows of
# NAS-Bench-201, mean of ten draws; and latencies of Transformers from columns.
# usage: bench/calibration.sh [CLNAS] [FOLDER WITH nb201.csv.gz AND hat_xeon.csv.gz]
set -euo pipefail
cd "$(dirname "$0")/.."
clnas=${1:-build/dev/clnas} data=${2:-../shared/data}

value() { # KEY of a flat JSON object on stdin
    tr -d '{}" \n' | tr ',' '\n' | awk -F: -v k="$1" '$1 == k {printf "%.4f", $2}'
}

echo "| column | samples | Spearman | Kendall | within 10 % | Spearman of MACs | of params |"
echo "|---|---|---|---|---|---|---|"
for n in 0 10 50; do
    for c in fpga raspi4 titan_rtx_32 1080ti_1; do
        batch=1
        [ $c = titan_rtx_32 ] && batch=32
        j=$("$clnas" calibrate --table "$data/nb201.csv.gz" --space nas-bench-201 --key arch \
            --latency latency_ms_$c --batch $batch --samples $n --repeats 10 --json)
        echo "| $c | $n | $(value spearman <<<"$j") | $(value kendall <<<"$j") |" \
            "$(value within_10 <<<"$j") | $(value flops_spearman <<<"$j") |" \
            "$(value params_spearman <<<"$j") |"
    done
done
echo
e=encoder d=decoder
features=${e}_embed_dim,${e}_layer_num,${e}_ffn_embed_dim_avg,${e}_self_attention_heads_avg
features+=,${d}_embed_dim,${d}_layer_num,${d}_ffn_embed_dim_avg,${d}_self_attention_heads_avg
features+=,${d}_ende_attention_heads_avg,${d}_arbitrary_ende_attn_avg
for n in 20 100 400 1600; do
    "$clnas" calibrate --table "$data/hat_xeon.csv.gz" --key latency_mean_decoder \
        --features $features --latency "latency_mean_encoder + latency_mean_decoder" --samples $n \
        --repeats 10
done
