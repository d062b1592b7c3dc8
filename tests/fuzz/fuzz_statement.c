/* SPDX-License-Identifier: Apache-2.0 */
#include "client/statement.h"
#include "fuzz/fuzz.h"

/* The input is one line of a file of statements. */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *line = (const char *)bytes;
    struct continuum_statement statement;
    statement_parse(line, length, &statement);
    PROPERTY(statement.text == line && statement.text_length <= length);
    double confidence = statement.confidence;
    PROPERTY(confidence == -1 || (confidence >= 0 && confidence <= 1));
    bool has_tab = length > 0 && memchr(line, '\t', length) != NULL;
    PROPERTY(has_tab || confidence == 0.8);
    if (confidence < 0)
        return 0;
    double fine = confidence_round(confidence, "open");
    double coarse = confidence_round(confidence, "high");
    PROPERTY(fine >= 0 && fine <= 1 && coarse >= 0 && coarse <= 1);
    PROPERTY(fine - confidence <= 0.0050001 && confidence - fine <= 0.0050001);
    PROPERTY(coarse - confidence <= 0.0500001 && confidence - coarse <= 0.0500001);
    PROPERTY(confidence_round(fine, "open") == fine);
    PROPERTY(confidence_round(coarse, "balanced") == coarse);
    return 0;
}
