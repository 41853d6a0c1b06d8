/*
 * cril study slurm: a script that runs a study on a cluster.
 *
 * One file is what the user starts, what a task of the array does and what the last job does, by
 * its first argument: Slurm keeps a copy of it with the jobs, and each part can be tried by hand.
 * Tasks write databases of their own, since SQLite on a shared file system does not bear many
 * writers; that of a task stays, so whatever ends it, the next one of its number goes on there.
 * What is known before goes into each of them without names and imported figures: of these, the
 * study's own database may know later ones when the last job merges.
 */
#include "args.h"
#include "output.h"
#include "shell.h"
#include "cmd_study.h"
#include "studying.h"

#include <cril/status.h>
#include <cril/study.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEFAULT_SHARDS = 16, MAX_SHARDS = 10000 };

struct settings {
    uint64_t shards, limit, cpus, memory;
    const char *partition, *account, *time;
};

#define AT(field) offsetof(struct settings, field)
#define COUNT .kind = CRIL_OPTION_NUMBER, .value = "N", .min = 1
#define TEXT .kind = CRIL_OPTION_TEXT

static const struct cril_option options[] = {
    {.group = "Work",
     .letter = 'n',
     .name = "shards",
     COUNT,
     .max = MAX_SHARDS,
     .offset = AT(shards),
     .help = "tasks that share the work (default: the study's cells, at most 16)"},
    {.name = "array-limit",
     COUNT,
     .max = MAX_SHARDS,
     .offset = AT(limit),
     .help = "run at most N of them at a time (default: as many as Slurm will)"},
    {.group = "Slurm (defaults are the cluster's)",
     .letter = 'p',
     .name = "partition",
     TEXT,
     .value = "NAME",
     .offset = AT(partition),
     .help = "partition of both jobs"},
    {.letter = 'A',
     .name = "account",
     TEXT,
     .value = "NAME",
     .offset = AT(account),
     .help = "account of both jobs"},
    {.letter = 't',
     .name = "time",
     TEXT,
     .value = "TIME",
     .offset = AT(time),
     .help = "time limit of a task, such as 8:00:00; the next start does the rest"},
    {.letter = 'c',
     .name = "cpus",
     COUNT,
     .max = 4096,
     .offset = AT(cpus),
     .help = "CPUs of a task, and its threads"},
    {.name = "memory",
     .kind = CRIL_OPTION_SIZE,
     .value = "SIZE",
     .offset = AT(memory),
     .min = 64 << 20,
     .max = (uint64_t)1 << 50,
     .help = "memory of a task, such as 8G, of which 'cril study run --memory' gets 7/8"},
    {.name = NULL},
};

static void more_help(void)
{
    fputs("\nPrints a script that submits two jobs: an array whose tasks each compute a share of "
          "the study\n"
          "into a database of their own, and one that merges these into the study's database when "
          "all\n"
          "are done. Start it again after a failure, or when the study has grown: known figures "
          "are not\n"
          "computed again. Where there is no Slurm, it says how to run the shares by hand.\n"
          "\nThe study, its files and cril must have the same paths on all machines.\n"
          "\nExamples:\n"
          "  cril study slurm study.yaml > job.sh\n"
          "  cril study slurm --shards 64 --cpus 8 --memory 8G --time 4:00:00 study.yaml > job.sh\n"
          "  sh job.sh\n",
          stdout);
}

/* ---- The script ---- */

static const char head[] =
    "#!/bin/sh\n"
    "# Runs a study on Slurm: an array job whose tasks each compute a share of it into a database "
    "of their own, and a last\n"
    "# job that merges these into the study's database. Written by 'cril study slurm' " CRIL_VERSION
    "; yours to change.\n"
    "#\n"
    "#   sh job.sh            submits both; again after a failure, or when the study has grown: "
    "only documents that are\n"
    "#                        missing are computed\n"
    "#   sh job.sh shard 3    does what task 3 does, without Slurm\n"
    "#   sh job.sh merge      does what the last job does\n"
    "set -eu\n"
    "\n"
    "# All machines must see these under these paths, and the folder must be on a file system with "
    "locks.\n";

static const char submit_head[] = "\n"
                                  "# submit OPTION... SCRIPT WORD: has Slurm run a part of this "
                                  "script; prints the job's number. What your cluster asks for\n"
                                  "# besides goes here ('man sbatch').\n"
                                  "submit() {\n"
                                  "    sbatch --parsable --chdir=\"$folder\" --open-mode=append";

static const char parts_head[] =
    "\n"
    "fail() { printf '%s\\n' \"$0: $*\" >&2; exit 1; }\n"
    "\n"
    "mkdir -p \"$folder\"\n"
    "case ${1:-submit} in\n"
    "shard) # a task of the array\n"
    "    i=${2:-${SLURM_ARRAY_TASK_ID:-}}\n"
    "    [ -n \"$i\" ] || fail 'no shard given, such as: shard 3'\n"
    "    own=$folder/$i-of-$shards.db\n"
    "    # Known figures are not computed again.\n"
    "    [ ! -e \"$folder/known.db\" ] || \"$cril\" study merge --measured --force -o \"$own\" "
    "\"$folder/known.db\"\n"
    "    set -- --shard \"$i/$shards\" --database \"$own\"\n"
    "    # Threads: the CPUs that Slurm gives to the task.\n"
    "    [ -z \"${SLURM_CPUS_ON_NODE:-}\" ] || set -- \"$@\" --threads \"$SLURM_CPUS_ON_NODE\"\n";

static const char parts_middle[] =
    "    exec \"$cril\" study run \"$@\" \"$study\" # which goes on where an earlier task of this "
    "number was\n"
    "    ;;\n"
    "merge) # the last job\n"
    "    set --\n"
    "    for file in \"$folder\"/*-of-\"$shards\".db; do\n"
    "        [ ! -s \"$file\" ] || set -- \"$@\" \"$file\" # empty: its task was killed when it "
    "had just begun\n"
    "    done\n"
    "    \"$cril\" study merge --rename --force -o \"$database\" \"$@\"\n"
    "    \"$cril\" study status --complete \"$study\" # fails if a cell is: then start this script "
    "again\n"
    "    ;;\n"
    "submit)\n"
    "    if [ -s \"$folder/jobs\" ] && command -v squeue >/dev/null; then\n"
    "        jobs=$(cat \"$folder/jobs\")\n"
    "        [ -z \"$(squeue --noheader --jobs=\"$jobs\" 2>/dev/null)\" ] || \\\n"
    "            fail \"its jobs are still in the queue; to end them: scancel $(echo \"$jobs\" | "
    "tr , ' ')\"\n"
    "    fi\n"
    "    # Known figures for the tasks: the study's database as it is now, and the databases of "
    "earlier tasks.\n"
    "    set --\n"
    "    for file in \"$database\" \"$folder\"/*-of-*.db; do\n"
    "        [ ! -s \"$file\" ] || set -- \"$@\" \"$file\"\n"
    "    done\n"
    "    [ $# = 0 ] || \"$cril\" study merge --measured --force -o \"$folder/known.db\" \"$@\"\n"
    "    if ! command -v sbatch >/dev/null; then\n"
    "        echo \"There is no Slurm here (no sbatch). On this machine, or the shards on any that "
    "see the same files:\"\n"
    "        echo \"    for i in \\$(seq $shards); do sh $0 shard \\$i; done; sh $0 merge\"\n"
    "        exit 1\n"
    "    fi >&2\n"
    "    case $0 in /*) script=$0 ;; *) script=$PWD/$0 ;; esac\n"
    "    logs=$(printf '%s\\n' \"$folder\" | sed 's/%/%%/g') # Slurm puts numbers in the place of "
    "%a and the like\n";

static const char parts_end[] =
    "    array=${array%%;*} # of \"number;cluster\"\n"
    "    echo \"$array\" >\"$folder/jobs\"\n"
    "    # Not afterok: a task that was killed and requeued would count as failed for ever. "
    "Finished work is merged in any case.\n"
    "    last=$(submit --job-name=cril-merge --dependency=\"afterany:$array\" "
    "--output=\"$logs/merge.log\" \"$script\" merge)\n"
    "    last=${last%%;*}\n"
    "    echo \"$array,$last\" >\"$folder/jobs\"\n"
    "    echo \"job $array computes in $shards shards, job $last then merges them into "
    "$database\"\n"
    "    echo \"squeue --jobs=$array,$last shows them; databases and logs are in $folder\"\n"
    "    ;;\n"
    "*) fail \"$1 is none of submit, shard and merge\" ;;\n"
    "esac\n";

static void print_setting(const char *name, const char *value)
{
    printf("%s=", name);
    cril_print_shell(stdout, value);
    putchar('\n');
}

static void print_option(const char *name, const char *value)
{
    if (!value)
        return;
    printf(" --%s=", name);
    cril_print_shell(stdout, value);
}

/* What the script names. */
struct paths {
    char *program, *study, *database; /* owned */
};

static int print_script(const struct settings *set, const struct paths *p)
{
    const uint64_t mib = (set->memory + (1 << 20) - 1) >> 20;

    fputs(head, stdout);
    print_setting("cril", p->program);
    print_setting("study", p->study);
    print_setting("database", p->database);
    puts("folder=$database-shards # a database and a log of each task; when all is merged it may "
         "be removed");
    printf("shards=%" PRIu64 "\n", set->shards);

    fputs(submit_head, stdout);
    print_option("partition", set->partition);
    print_option("account", set->account);
    print_option("time", set->time);
    puts(" \"$@\"\n}");

    fputs(parts_head, stdout);
    if (set->memory)
        printf("    set -- \"$@\" --memory %" PRIu64 "M # of the %" PRIu64 "M that the task has\n",
               mib * 7 / 8, mib);
    fputs(parts_middle, stdout);

    fputs("    array=$(submit --job-name=cril-shards --output=\"$logs/%a-of-$shards.log\" "
          "--requeue \\\n"
          "        --array=\"1-$shards",
          stdout);
    if (set->limit)
        printf("%%%" PRIu64, set->limit);
    putchar('"');
    if (set->cpus)
        printf(" --cpus-per-task=%" PRIu64, set->cpus);
    if (set->memory)
        printf(" --mem=%" PRIu64 "M", mib);
    puts(" \"$script\" shard)");
    fputs(parts_end, stdout);
    return 0;
}

/* ---- The command ---- */

/* 0: nothing has a path on both sides. */
static uint64_t count_cells(const cril_study_info *s)
{
    uint64_t models = 0, corpora = 0, benchmarks = 0;

    for (size_t i = 0; i < s->n_models; i++)
        models += s->models[i].path != NULL;
    for (size_t i = 0; i < s->n_corpora; i++)
        corpora += s->corpora[i].path != NULL;
    for (size_t i = 0; i < s->n_benchmarks; i++)
        benchmarks += s->benchmarks[i].data != NULL;
    return models * (corpora * s->n_protocols + benchmarks);
}

static int print_for(struct settings *set, const cril_study_info *s)
{
    const uint64_t cells = count_cells(s);
    struct paths p;
    int code = 1;

    if (!cells)
        return cril_print_error(
            "%s: there is nothing to compute: no model has a path, or no corpus has a "
            "path and no benchmark data",
            s->path);
    if (!set->shards)
        set->shards = cells < MAX_DEFAULT_SHARDS ? cells : MAX_DEFAULT_SHARDS;
    p = (struct paths){cril_own_path(), cril_absolute_path(s->path),
                       cril_absolute_path(s->database)};
    if (p.program && p.study && p.database && strchr(p.database, '\\'))
        cril_print_error("%s: Slurm cannot write logs beside it, since it does not take a "
                         "backslash literally; rename the folder or the file",
                         p.database);
    else if (p.program && p.study && p.database)
        code = print_script(set, &p);
    free(p.program);
    free(p.study);
    free(p.database);
    return code;
}

static int run(const struct cril_cmd *cmd, int argc, char **argv)
{
    struct settings set = {0};
    cril_study *study;
    int code = cril_studying_args(cmd, &set, argc, argv);

    if (code != CRIL_ARGS_GO_ON)
        return code;
    if (!(study = cril_studying_load(argv[0])))
        return 1;
    code = print_for(&set, cril_study_info_of(study));
    cril_study_close(study);
    return code;
}

const struct cril_cmd cril_study_cmd_slurm = {
    .name = "study slurm",
    .summary = "Print a script that runs the study on a Slurm cluster.",
    .usage = "study slurm [options] STUDY.yaml > job.sh",
    .run = run,
    .options = options,
    .more_help = more_help,
};
