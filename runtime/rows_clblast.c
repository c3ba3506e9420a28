/* runtime/rows_clblast.c - CLBlast's product as a candidate: only where it was measured to be right
 * and the fastest. Its releases up to 1.6.2 are wrong on several GPUs, and on CPUs it is slow. */
#include "candidates.h"

#ifdef CLNAS_CLBLAST
#include <clblast_c.h>

/* Arguments of the call, in the order of the launch below. */
enum { M, N, K, BATCH, B_STEP, A_TURNED, B_TURNED, A, B, Y };

static nas_status call_gemm(cl_command_queue *q, const call_arg *a) {
    size_t m = (size_t)a[M].i, n = (size_t)a[N].i, k = (size_t)a[K].i;
    CLBlastTranspose ta = a[A_TURNED].i ? CLBlastTransposeYes : CLBlastTransposeNo;
    CLBlastTranspose tb = a[B_TURNED].i ? CLBlastTransposeYes : CLBlastTransposeNo;
    size_t lda = a[A_TURNED].i ? m : k, ldb = a[B_TURNED].i ? k : n;
    CLBlastStatusCode code =
        a[BATCH].i == 1
            ? CLBlastSgemm(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1, a[A].mem, 0, lda, a[B].mem, 0,
                           ldb, 0, a[Y].mem, 0, n, q, NULL)
            : CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1, a[A].mem, 0,
                                         lda, m * k, a[B].mem, 0, ldb, (size_t)a[B_STEP].i, 0,
                                         a[Y].mem, 0, n, m * n, (size_t)a[BATCH].i, q, NULL);
    if (code != CLBlastSuccess)
        return nas_fail(NAS_E_DEVICE, "CLBlast gemm %zu x %zu x %zu: code %d", m, n, k, (int)code);
    return NAS_OK;
}

static bool can(const emitter *e) {
    (void)e;
    return true;
}

static void emit(emitter *e) {
    gemm z = gemm_of(e);
    bool plain = !z.flags && z.act == NAS_ACT_NONE && z.alpha == 1;
    karg y = plain ? KOUT(e) : KS(rows_scratch(e, (size_t)(z.batch * z.m * z.n)));
    rows_call(e, "clblast_gemm", call_gemm,
              (const karg[]){KI(z.m), KI(z.n), KI(z.k), KI(z.batch), KI(z.b_step), KI(z.a_turned),
                             KI(z.b_turned), KIN(e, 0), KIN(e, 1), y},
              Y + 1);
    if (!plain)
        emit_parts(e, &z, 1, y);
}

const candidate clblast_matmul[] = {{"clblast", NULL, can, NULL, emit},
                                    {NULL, NULL, NULL, NULL, NULL}};
#else
const candidate clblast_matmul[] = {{NULL, NULL, NULL, NULL, NULL}};
#endif
