/* One libmemcached increment after the other, for comparison with what a request costs in
 * strict mode. Usage: incr PORT NUMBER. Prints the microseconds that one takes: mean, median,
 * 99th percentile. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libmemcached/memcached.h>

static double now_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static const char key[] = "rl:0123456789abcdef0123456789abcdef01234567";
    const size_t n = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : 0;
    memcached_st *memc = memcached_create(NULL);
    double *took = calloc(n + 1, sizeof(*took)), sum = 0;
    uint64_t value;
    if (n == 0 || took == NULL || memc == NULL) {
        fprintf(stderr, "usage: incr PORT NUMBER\n");
        return 2;
    }
    memcached_behavior_set(memc, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
    memcached_server_add(memc, "127.0.0.1", (in_port_t)strtoul(argv[1], NULL, 10));
    memcached_set(memc, key, sizeof(key) - 1, "18302628885633695744", 20, 60, 0);
    for (size_t i = 0; i < n; i++) {
        const double start = now_us();
        if (!memcached_success(memcached_increment(memc, key, sizeof(key) - 1, 1, &value))) {
            fprintf(stderr, "incr: %s\n", memcached_last_error_message(memc));
            return 1;
        }
        sum += took[i] = now_us() - start;
    }
    qsort(took, n, sizeof(*took), by_size);
    printf("%.1f\t%.1f\t%.1f\n", sum / (double)n, took[n / 2], took[n * 99 / 100]);
    memcached_free(memc);
    free(took);
    return 0;
}
