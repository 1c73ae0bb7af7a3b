// Mails as postal-mime reads them: a JSON list of base64 in, a JSON list of what was read out.
import { readFileSync } from "node:fs";
import PostalMime from "postal-mime";

const header = (mail, name) => mail.headers.filter((one) => one.key === name).map((one) => one.value);

const read = async (encoded) => {
  const mail = await PostalMime.parse(Buffer.from(encoded, "base64"));
  return {
    subject: mail.subject,
    from: [mail.from.name, mail.from.address],
    to: mail.to.map((one) => one.address),
    unsubscribe: header(mail, "list-unsubscribe"),
    one_click: header(mail, "list-unsubscribe-post"),
    names: mail.headers.map((one) => one.key),
    text: mail.text,
    html: mail.html ?? null,
    attachments: mail.attachments.length,
  };
};

const mails = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(await Promise.all(mails.map(read))));
